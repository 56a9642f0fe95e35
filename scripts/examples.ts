/** What an example's first comment says that it prints, or undefined when it does not say. */
export function promisedOutput(source: string): string | undefined {
  const lines = source.split("\n");
  const end = lines.findIndex((line) => !line.startsWith("//"));
  const comment = lines.slice(0, end === -1 ? lines.length : end);
  const start = comment.indexOf("// Prints:");
  const promised = comment.slice(start + 1).map((line) => line.replace(/^\/\/ {0,3}/, ""));
  return start === -1 || promised.length === 0 ? undefined : `${promised.join("\n")}\n`;
}
