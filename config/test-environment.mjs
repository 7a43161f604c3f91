/**
 * Jest's Node environment with plain global objects. Its own are watched: each look at a global, such as Object or Uint8Array,
 * goes through a Proxy and back, which makes what reads byte by byte ten times slower than it is.
 */
import vm from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';

const { createContext } = vm;

export default class PlainGlobals extends TestEnvironment {
  constructor(config, context) {
    // There is no other way in: the environment makes its context in its constructor.
    vm.createContext = () => createContext(vm.constants.DONT_CONTEXTIFY);
    try {
      super(config, context);
    } finally {
      vm.createContext = createContext;
    }
  }
}
