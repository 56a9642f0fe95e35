const LEVELS = "▁▂▃▄▅▆▇█";

/**
 * Values as a line of bars, least to greatest; a gap where a value is absent. More values than `width` are gathered by
 * the median of each stretch, so that an outlier does not hide its neighbours.
 */
export function sparkline(values: readonly (number | undefined)[], width: number): string {
  const gathered = gather(values, width);
  const present = gathered.filter((value) => value !== undefined);
  if (present.length === 0) return " ".repeat(gathered.length);
  const low = present.reduce((a, b) => Math.min(a, b));
  const high = present.reduce((a, b) => Math.max(a, b));
  return gathered
    .map((value) => {
      if (value === undefined) return " ";
      // A flat series stands in the middle: neither low nor high.
      const level = high === low ? 3 : Math.round(((value - low) / (high - low)) * (LEVELS.length - 1));
      return LEVELS[level] ?? " ";
    })
    .join("");
}

/** Which cell of a sparkline shows the value at `index`. */
export function sparklineCell(index: number, count: number, width: number): number {
  return count <= width ? index : Math.floor((index * width) / count);
}

function gather(values: readonly (number | undefined)[], width: number): (number | undefined)[] {
  const finite = values.map((value) => (value !== undefined && Number.isFinite(value) ? value : undefined));
  if (finite.length <= width) return finite;
  const cells: number[][] = Array.from({ length: width }, () => []);
  for (const [i, value] of finite.entries()) {
    if (value !== undefined) cells[sparklineCell(i, finite.length, width)]?.push(value);
  }
  return cells.map((cell) => cell.toSorted((a, b) => a - b)[Math.floor((cell.length - 1) / 2)]);
}
