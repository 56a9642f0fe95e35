/** What this thread has computed so far: on a busy machine time passes without it. */
export function computedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
