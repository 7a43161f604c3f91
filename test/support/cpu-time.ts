/**
 * Milliseconds of CPU that this process spends until `work` has ended. Tests that bound a cost use it, since clocks on
 * the wall tell of the machine's other load as well.
 */
export async function cpuTimeOf(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
