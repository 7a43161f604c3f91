/** Tables and columns are camelCase in TypeScript and snake_case in SQL; selected columns come back under their TypeScript name. */
import {
  AliasNode,
  ColumnNode,
  IdentifierNode,
  type KyselyPlugin,
  OperationNodeTransformer,
  ReferenceNode,
  SelectionNode,
} from 'kysely';

/**
 * Kysely's own CamelCasePlugin renames the columns of every row that was read. This one puts an alias into the SQL,
 * once, when the statement is compiled.
 */
export function createSnakeCasePlugin(): KyselyPlugin {
  const transformer = new SnakeCaseTransformer();
  return {
    transformQuery: ({ node, queryId }) => transformer.transformNode(node, queryId),
    transformResult: async ({ result }) => result,
  };
}

class SnakeCaseTransformer extends OperationNodeTransformer {
  protected override transformIdentifier(node: IdentifierNode): IdentifierNode {
    return IdentifierNode.create(snakeCase(node.name));
  }

  protected override transformAlias(
    ...[node, queryId]: Parameters<OperationNodeTransformer['transformAlias']>
  ): AliasNode {
    return { ...super.transformAlias(node, queryId), alias: node.alias };
  }

  protected override transformSelection(
    ...[node, queryId]: Parameters<OperationNodeTransformer['transformSelection']>
  ): SelectionNode {
    const transformed = super.transformSelection(node, queryId);
    const name = columnName(node.selection);
    if (name === undefined || name === snakeCase(name)) {
      return transformed;
    }
    return SelectionNode.create(AliasNode.create(transformed.selection, IdentifierNode.create(name)));
  }
}

function columnName(selection: SelectionNode['selection']): string | undefined {
  const column = ReferenceNode.is(selection) ? selection.column : selection;
  return ColumnNode.is(column) ? column.column.name : undefined;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
