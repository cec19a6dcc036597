// The values of a message as JavaScript has them.

/** The numbers of a buffer, wherever it stands in memory. */
export function numbers(view, Kind) {
  const begin = view.byteOffset ?? 0;
  return new Kind((view.buffer ?? view).slice(begin, begin + view.byteLength));
}

const KINDS = { int: BigInt64Array, time: BigInt64Array, duration: BigInt64Array, uint: BigUint64Array, float: Float64Array };

/** Columns of values: `null` where one is missing. Buffers belong to the columns of numbers, in their order. */
export function decode(about, columns, buffers) {
  let next = 0;
  return columns.map((column, index) => {
    if (column.values) return column.values;
    const values = Array.from(numbers(buffers[next++], KINDS[about[index].kind]));
    for (const row of column.nulls) values[row] = null;
    return values;
  });
}
