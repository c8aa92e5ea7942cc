/**
 * Lets requests that come in together be served in a row, once Bun has taken in all of them: what a step of ours needs
 * in the processor's caches then serves many requests, where Bun's own steps in between would push it out each time.
 */

/** Of so many requests under way some come in together; with fewer, a turn of the event loop is only lost. */
const CROWD = 8;

/** A request that is ready to be served. */
export type Arrival = { readonly serve: () => void };

export class Arrivals {
  private readonly underWay: () => number;
  /** The most requests that were under way lately: a crowd is answered, and asks again, all at once. */
  private crowd = 0;
  private waiting: Arrival[] = [];

  constructor(underWay: () => number) {
    this.underWay = underWay;
  }

  /** Serves at once, or at the end of the event loop's turn. */
  take(arrival: Arrival): void {
    this.crowd = Math.max(this.crowd - 1, this.underWay());
    if (this.crowd < CROWD) arrival.serve();
    else if (this.waiting.push(arrival) === 1) setImmediate(this.serveAll);
  }

  private readonly serveAll = (): void => {
    const all = this.waiting;
    this.waiting = [];
    for (const arrival of all) arrival.serve();
  };
}
