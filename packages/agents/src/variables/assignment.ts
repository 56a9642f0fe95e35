/**
 * The assignment of rows to different columns with the least total cost, by shortest augmenting paths (Jonker and
 * Volgenant 1987). O(rows² × columns).
 *
 * @param costs - rows × columns, at least as many columns as rows; `Infinity` where a row cannot have a column
 * @returns the column of each row, or undefined when there is no assignment
 */
export function assign(costs: readonly (readonly number[])[]): number[] | undefined {
  const rows = costs.length;
  const columns = costs[0]?.length ?? 0;
  if (rows > columns) return undefined;
  const rowPrice = new Float64Array(rows + 1);
  const columnPrice = new Float64Array(columns + 1);
  /** Row of each column; both count from 1 so that 0 is nobody. */
  const rowOf = new Int32Array(columns + 1);
  for (let row = 1; row <= rows; row++) {
    const distance = new Float64Array(columns + 1).fill(Infinity);
    const from = new Int32Array(columns + 1);
    const done = new Uint8Array(columns + 1);
    rowOf[0] = row;
    let column = 0;
    do {
      done[column] = 1;
      const at = rowOf[column]!;
      let nearest = Infinity;
      let next = -1;
      for (let j = 1; j <= columns; j++) {
        if (done[j] === 1) continue;
        const reduced = costs[at - 1]![j - 1]! - rowPrice[at]! - columnPrice[j]!;
        if (reduced < distance[j]!) {
          distance[j] = reduced;
          from[j] = column;
        }
        if (distance[j]! < nearest) [nearest, next] = [distance[j]!, j];
      }
      if (next === -1) return undefined; // only impossible columns are left
      for (let j = 0; j <= columns; j++) {
        if (done[j] === 1) {
          rowPrice[rowOf[j]!]! += nearest;
          columnPrice[j]! -= nearest;
        } else distance[j]! -= nearest;
      }
      column = next;
    } while (rowOf[column] !== 0);
    for (; column !== 0; column = from[column]!) rowOf[column] = rowOf[from[column]!]!;
  }
  const assigned = Array.from({ length: rows }, () => 0);
  for (let j = 1; j <= columns; j++) if (rowOf[j]! > 0) assigned[rowOf[j]! - 1] = j - 1;
  return assigned;
}
