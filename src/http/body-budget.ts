/** How many bytes of bodies this process keeps in memory: many large uploads at once must not end it. */
import { RouterError } from "../kernel/errors.js";

const TRY_AGAIN_SECONDS = 1;

export class BodyBudget {
  private readonly max: number;
  /** Kept now. */
  bytes = 0;

  constructor(max: number) {
    this.max = max;
  }

  /** Throws `rate_limited` where there is no room. */
  take(bytes: number): void {
    if (this.bytes + bytes > this.max) {
      throw new RouterError(
        "rate_limited",
        `Uploads of more than ${this.max} bytes together (limits: upload_bytes_max) are not taken at a time. Try again shortly.`,
        { retryAfterSeconds: TRY_AGAIN_SECONDS, extra: { limited_by: "turnpike" } },
      );
    }
    this.bytes += bytes;
  }

  give(bytes: number): void {
    this.bytes -= bytes;
  }
}
