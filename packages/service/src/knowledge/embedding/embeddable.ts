/** What of a passage is embedded: most of what tells its subject stands above it. */
export const embeddable = ({
  heading,
  text,
}: {
  readonly heading?: string | null | undefined;
  readonly text: string;
}): string => (heading ? `${heading}\n${text}` : text);
