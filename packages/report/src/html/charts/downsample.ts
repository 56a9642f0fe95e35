export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * Fewer points with the same least and greatest values: of each stretch of equal width the least and the greatest are
 * kept, in the order in which they came. A spike of one second stays visible in a day.
 *
 * @param values - null where nothing was measured; a gap stays a gap
 * @param most - points kept at most, roughly; with as many or fewer values all are kept
 * @returns runs of neighbouring points, one for each stretch without a gap
 */
export function downsample(
  xs: readonly number[],
  values: readonly (number | null | undefined)[],
  most: number,
): readonly (readonly Point[])[] {
  const runs: Point[][] = [];
  let open: Point[] | undefined;
  for (let i = 0; i < xs.length; i++) {
    const y = values[i];
    const x = xs[i];
    if (x === undefined || y === null || y === undefined || !Number.isFinite(y)) {
      open = undefined;
      continue;
    }
    if (!open) runs.push((open = []));
    open.push({ x, y });
  }
  const total = runs.reduce((sum, run) => sum + run.length, 0);
  if (total <= most) return runs;
  const first = xs[0] ?? 0;
  const width = ((xs.at(-1) ?? 0) - first) / Math.max(1, Math.floor(most / 2));
  return runs.map((run) => extremes(run, first, width));
}

function extremes(run: readonly Point[], first: number, width: number): Point[] {
  const kept: Point[] = [];
  let stretch = Number.NaN;
  let least: Point | undefined;
  let greatest: Point | undefined;
  const close = (): void => {
    if (!least || !greatest) return;
    kept.push(...(least === greatest ? [least] : least.x < greatest.x ? [least, greatest] : [greatest, least]));
  };
  for (const point of run) {
    const own = width > 0 ? Math.floor((point.x - first) / width) : 0;
    if (own !== stretch) {
      close();
      stretch = own;
      least = greatest = point;
    } else {
      if (least && point.y < least.y) least = point;
      if (greatest && point.y > greatest.y) greatest = point;
    }
  }
  close();
  return kept;
}
