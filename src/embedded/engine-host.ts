/** Keeps one engine: started when it is first asked, anew after a crash, ended when nobody asks any more. */
import type { Clock } from "../kernel/clock.js";
import { type Log, reasonOf } from "../kernel/log.js";
import { RSS_HEADER } from "./call.js";
import { type EngineProcess, type EngineRequest, startEngine } from "./engine-process.js";
import type { EmbeddedLimits } from "./limits.js";
import type { EngineName } from "./models.js";
import { Refusal } from "./refusal.js";
import { type Reply, replyOf } from "./reply.js";
import { WaitingLine } from "./waiting-line.js";

type Parts = {
  readonly name: EngineName;
  readonly limits: EmbeddedLimits;
  readonly clock: Clock;
  readonly log: Log;
};

export class EngineHost {
  private readonly parts: Parts;
  private readonly line: WaitingLine;
  private running: EngineProcess | undefined;
  private crashesInARow = 0;
  private idle = new AbortController();
  private isStopped = false;

  constructor(parts: Parts) {
    this.parts = parts;
    this.line = new WaitingLine(parts.limits);
  }

  /** The engine's process, for whoever watches it. */
  get pid(): number | undefined {
    return this.running?.pid;
  }

  /** Waits for its turn and asks the engine. Throws a Refusal, or what `signal` was aborted with. */
  async answer(request: EngineRequest, signal: AbortSignal): Promise<Reply> {
    const leave = await this.line.enter(request.body.byteLength, signal);
    this.idle.abort();
    const done = (): void => {
      leave();
      if (this.line.isEmpty) this.startIdling();
    };
    try {
      const engine = await this.ensureRunning();
      return await this.ask(engine, request, signal, done);
    } catch (thrown) {
      done();
      throw thrown;
    }
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.idle.abort();
    await this.running?.kill();
  }

  private async ask(
    engine: EngineProcess,
    request: EngineRequest,
    signal: AbortSignal,
    done: () => void,
  ): Promise<Reply> {
    const tooLong = setTimeout(() => void engine.kill(), this.parts.limits.answerMs);
    try {
      const response = await engine.ask(request, signal);
      const bytes = Number(response.headers.get(RSS_HEADER) ?? 0);
      return await replyOf(response, async (isWhole) => {
        clearTimeout(tooLong);
        if (isWhole) this.afterwards(bytes);
        else await this.bury(engine, "the stream broke off");
        done();
      });
    } catch (thrown) {
      clearTimeout(tooLong);
      if (signal.aborted) throw signal.reason;
      await this.bury(engine, reasonOf(thrown));
      throw new Refusal(
        500,
        "The engine ended while it worked on this request.",
        {},
        { cause: thrown },
      );
    }
  }

  /** Makes sure that it is gone before anyone else asks it. */
  private async bury(engine: EngineProcess, reason: string): Promise<void> {
    this.crashesInARow++;
    this.parts.log("error", "engine_crashed", { engine: this.parts.name, reason });
    await engine.kill();
  }

  private async ensureRunning(): Promise<EngineProcess> {
    if (this.running?.isAlive()) return this.running;
    const { name, limits, clock, log } = this.parts;
    if (this.crashesInARow > 0) await clock.sleep(this.pauseMs());
    if (this.isStopped) throw new Refusal(500, "The embedded provider is stopping.");
    try {
      this.running = await startEngine(name, limits);
      // Whoever stopped us meanwhile did not see it yet.
      if (this.isStopped) await this.running.kill();
      log("info", "engine_started", { engine: name, pid: this.running.pid });
      return this.running;
    } catch (thrown) {
      this.crashesInARow++;
      log("error", "engine_did_not_start", { engine: name, reason: reasonOf(thrown) });
      throw new Refusal(500, `The engine "${name}" did not start.`, {}, { cause: thrown });
    }
  }

  private pauseMs(): number {
    const { restartMs, restartMsMax } = this.parts.limits;
    return Math.min(restartMs * 2 ** (this.crashesInARow - 1), restartMsMax);
  }

  /** Memory that an engine took does not come back; a new process has none of it. */
  private afterwards(bytes: number): void {
    const { name, limits, log } = this.parts;
    this.crashesInARow = 0;
    if (bytes <= limits.engineBytesMax) return;
    log("warn", "engine_over_its_memory", { engine: name, bytes });
    void this.running?.kill();
    this.running = undefined;
  }

  private startIdling(): void {
    const idle = new AbortController();
    this.idle = idle;
    const { clock, limits, name, log } = this.parts;
    void clock.sleep(limits.idleMs, idle.signal).then(() => {
      if (idle.signal.aborted || !this.running) return;
      log("info", "engine_idle", { engine: name });
      void this.running.kill();
      this.running = undefined;
    });
  }
}
