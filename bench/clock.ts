/**
 * Microseconds since 1970, comparable between processes of one machine (`performance.now` alone starts
 * at zero in each). Only for delays between the upstream and the generator.
 */
export function nowUs(): number {
  return (performance.timeOrigin + performance.now()) * 1000;
}
