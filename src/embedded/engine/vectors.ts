/** Small sums over plain numbers. */

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, each, i) => sum + each * (b[i] ?? 0), 0);

export function normalized(vector: readonly number[]): number[] {
  const length = Math.sqrt(dot(vector, vector));
  return length === 0 ? [...vector] : vector.map((each) => each / length);
}

export const cosine = (a: readonly number[], b: readonly number[]): number =>
  dot(normalized(a), normalized(b));

/** Numbers between 0 and 1 that sum to 1, the larger the larger. */
export function softmax(values: readonly number[]): number[] {
  const most = Math.max(...values);
  const powers = values.map((each) => Math.exp(each - most));
  const sum = powers.reduce((total, each) => total + each, 0);
  return powers.map((each) => each / sum);
}

export const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));
