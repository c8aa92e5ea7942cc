/**
 * Lets requests that come in together be answered in a row, once Bun has taken in all of them: what a step of ours needs
 * in the processor's caches then serves many requests, where Bun's own steps in between would push it out each time.
 */

/** Of so many requests under way some come in together; with fewer, a turn of the event loop is only lost. */
const CROWD = 8;

type Arrival = {
  readonly request: Request;
  readonly answerWith: (answer: Response) => void;
};

export class Arrivals {
  private readonly answer: (request: Request) => Promise<Response>;
  private readonly underWay: () => number;
  /** The most requests that were under way lately: a crowd is answered, and asks again, all at once. */
  private crowd = 0;
  private waiting: Arrival[] = [];

  /** `answer` never throws. */
  constructor(answer: (request: Request) => Promise<Response>, underWay: () => number) {
    this.answer = answer;
    this.underWay = underWay;
  }

  /** Answers at once, or at the end of the event loop's turn. */
  take(request: Request): Promise<Response> {
    this.crowd = Math.max(this.crowd - 1, this.underWay());
    if (this.crowd < CROWD) return this.answer(request);
    return new Promise((answerWith) => {
      if (this.waiting.push({ request, answerWith }) === 1) setImmediate(this.answerAll);
    });
  }

  private readonly answerAll = (): void => {
    const all = this.waiting;
    this.waiting = [];
    for (const { request, answerWith } of all) void this.answer(request).then(answerWith);
  };
}
