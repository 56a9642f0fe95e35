/** Square matrix as rows. */
export type Matrix = readonly (readonly number[])[];

/**
 * Inverse of a symmetric positive definite matrix by Gauss–Jordan, after scaling its diagonal to 1 so that parameters
 * of very different size do not spoil it.
 *
 * @returns undefined when it is singular to the precision of the arithmetic
 */
export function invertSymmetric(matrix: Matrix): number[][] | undefined {
  const size = matrix.length;
  const scales = matrix.map((row, i) => 1 / Math.sqrt(row[i] as number));
  if (!scales.every(Number.isFinite)) return undefined;
  const work = matrix.map((row, i) => [
    ...row.map((value, j) => value * (scales[i] as number) * (scales[j] as number)),
    ...row.map((_, j) => (i === j ? 1 : 0)),
  ]);
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column + 1; row < size; row++) {
      if (Math.abs(cell(work, row, column)) > Math.abs(cell(work, pivot, column))) pivot = row;
    }
    const divisor = cell(work, pivot, column);
    if (!(Math.abs(divisor) > 1e-14)) return undefined;
    [work[column], work[pivot]] = [work[pivot] as number[], work[column] as number[]];
    const pivotRow = (work[column] as number[]).map((value) => value / divisor);
    work[column] = pivotRow;
    for (let row = 0; row < size; row++) {
      if (row === column) continue;
      const factor = cell(work, row, column);
      work[row] = (work[row] as number[]).map((value, j) => value - factor * (pivotRow[j] as number));
    }
  }
  return work.map((row, i) => row.slice(size).map((value, j) => value * (scales[i] as number) * (scales[j] as number)));
}

function cell(rows: Matrix, row: number, column: number): number {
  return rows[row]?.[column] as number;
}

/** Sum over i of left[i]·right[i]. */
export function dot(left: readonly number[], right: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < left.length; i++) sum += (left[i] as number) * (right[i] as number);
  return sum;
}
