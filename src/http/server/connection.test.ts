import { expect, test } from "bun:test";
import type { Socket } from "bun";
import { type Reply, type Sink, StreamReply, WholeReply } from "../../gateway/reply.js";
import { Arrivals } from "./arrivals.js";
import { Connection } from "./connection.js";
import type { ServerRequest } from "./server-request.js";

const SECOND = 1_000;

/** A connection over a socket that takes at most `room` bytes before it is drained. */
function start(answer: (request: ServerRequest) => Promise<Reply> | Reply) {
  const out = { text: "", room: Number.POSITIVE_INFINITY, calls: [] as string[] };
  const note = (call: string) => () => out.calls.push(call);
  const fake = {
    write: (data: string | Uint8Array) => {
      const taken = Buffer.from(data as Uint8Array).subarray(0, out.room);
      out.room -= taken.length;
      out.text += taken.toString("latin1");
      return taken.length;
    },
    end: note("end"),
    shutdown: note("shutdown"),
    terminate: note("terminate"),
    pause: note("pause"),
    resume: note("resume"),
  };
  let now = 0;
  const connection = new Connection(fake as unknown as Socket<Connection>, {
    time: { dateLine: "" },
    arrivals: new Arrivals(() => 0),
    service: (request) => ({
      begin: () => answer(request),
      ended: (reply) => reply,
      failed: (thrown) => new Response(String(thrown), { status: 400 }),
    }),
    gone: note("gone"),
    fault: (thrown) => {
      throw thrown;
    },
    refuse: ({ message, status }) => new Response(message, { status }),
  });
  const later = async (ms: number): Promise<void> => {
    connection.look(now);
    now += ms;
    connection.look(now);
    await turns();
  };
  const receive = (text: string) => connection.receive(Buffer.from(text));
  return { connection, out, later, receive };
}

const turns = () => Bun.sleep(1);
const textIn = async (request: ServerRequest): Promise<string> =>
  Buffer.from(await request.bytes()).toString("utf8");
const whole = (body: string) => new WholeReply([], Buffer.from(body), Promise.resolve());
const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const post = (length: number) => `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;

test("a head that does not come to its end is refused, however it dribbles", async () => {
  const { receive, later, out } = start(() => whole(""));
  for (let i = 0; i < 29; i++) {
    receive(GET.charAt(i % 10));
    await later(SECOND);
  }
  expect(out.text).toBe("");
  await later(2 * SECOND);
  expect(out.text).toStartWith("HTTP/1.1 408 Request Timeout");
  expect(out.calls).toEqual(["shutdown"]);
  await later(6 * SECOND);
  expect(out.calls).toEqual(["shutdown", "end"]);
});

test("a body that stops coming ends its request, and its connection", async () => {
  const { receive, later, out } = start(async (request) => whole(await textIn(request)));
  receive(`${post(9)}one`);
  await later(50 * SECOND);
  receive("two");
  await later(59 * SECOND);
  expect(out.text).toBe("");
  await later(2 * SECOND);
  expect(out.text).toStartWith("HTTP/1.1 400");
  expect(out.text).toContain("connection: close");
  expect(out.calls).toContain("shutdown");
});

test("who asks nothing for long is let go, and who waits for an answer is not", async () => {
  const never = start(() => new Promise(() => {}));
  never.receive(GET);
  await never.later(3_600 * SECOND);
  expect(never.out.calls).toEqual([]);
  const idle = start(() => whole("a"));
  idle.receive(GET);
  await idle.later(599 * SECOND);
  expect(idle.out.calls).toEqual([]);
  await idle.later(2 * SECOND);
  expect(idle.out.calls).toEqual(["end"]);
});

test("what a slow caller does not take at once goes out later, whole and in order", async () => {
  const { connection, receive, out } = start(() => whole("x".repeat(1_000)));
  out.room = 100;
  receive(GET + GET);
  expect(out.text.length).toBe(100);
  while (!out.text.endsWith(`\r\n\r\n${"x".repeat(1_000)}`) || out.text.length < 2_000) {
    out.room = 77;
    connection.sendRest();
  }
  expect(out.text.split("HTTP/1.1 200 OK\r\n").length).toBe(3);
  expect(out.text.match(/x+/g)?.map(({ length }) => length)).toEqual([1_000, 1_000]);
});

test("a caller who takes nothing of its answer for long is given up", async () => {
  const { receive, later, out } = start(() => whole("x".repeat(1_000)));
  out.room = 0;
  receive(GET);
  await later(SECOND);
  // What it sends meanwhile is no sign that it takes anything.
  for (let i = 0; i < 3; i++) {
    receive("G");
    await later(99 * SECOND);
  }
  expect(out.calls).toEqual([]);
  await later(4 * SECOND);
  expect(out.calls).toEqual(["terminate"]);
});

test("answers to requests sent ahead do not pile up, and whoever sends too far ahead is let go", async () => {
  let served = 0;
  const { connection, receive, later, out } = start(() => whole(String(++served)));
  out.room = 10;
  receive(GET.repeat(3));
  receive(GET);
  expect(served).toBe(1);
  out.room = Number.POSITIVE_INFINITY;
  connection.sendRest();
  expect(served).toBe(4);
  expect(out.text.match(/\r\n\r\n\d/g)?.map((end) => end.at(-1))).toEqual(["1", "2", "3", "4"]);
  out.room = 10;
  receive(GET.repeat(20_000));
  out.room = Number.POSITIVE_INFINITY;
  connection.sendRest();
  expect(served).toBe(5);
  expect(out.calls).toEqual(["shutdown"]);
  receive(GET);
  await later(6 * SECOND);
  expect([served, out.calls.at(-1)]).toEqual([5, "end"]);
});

test("who hangs up is not served what else it had sent", async () => {
  let served = 0;
  const waiting: ((reply: Reply) => void)[] = [];
  const { connection, receive, out } = start(() => {
    served++;
    return new Promise((resolve) => waiting.push(resolve));
  });
  receive(GET + GET);
  connection.closed();
  expect(out.calls).toEqual([]);
  waiting[0]?.(new Response("late"));
  await turns();
  // Only now may the process end.
  expect([served, out.calls]).toEqual([1, ["gone"]]);
});

test("a server that stops leaves nobody with half an answer", async () => {
  const { connection, receive, later, out } = start(() => whole("x".repeat(1_000)));
  out.room = 100;
  receive(GET);
  connection.stop();
  expect(out.calls).toEqual([]);
  await later(100 * SECOND);
  expect(out.calls).toEqual([]);
  out.room = Number.POSITIVE_INFINITY;
  connection.sendRest();
  expect(out.text).toEndWith("x".repeat(1_000));
  expect(out.calls).toEqual(["shutdown"]);
});

const CHUNKED = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

test("what stands behind the last chunk is no request, whenever it comes", async () => {
  let served = 0;
  const { receive, out } = start(async (request) => {
    served++;
    return whole(await textIn(request));
  });
  receive(CHUNKED);
  await turns();
  receive(`2\r\nhi\r\n0\r\n\r\n${GET}`);
  await turns();
  expect(out.text).toStartWith("HTTP/1.1 400");
  expect(out.text).toContain("connection: close");
  receive(GET);
  await turns();
  expect([served, out.calls]).toEqual([1, ["shutdown"]]);
});

test("a body is not made good by what comes after its framing broke", async () => {
  let read = (): void => {};
  const asked = new Promise<void>((resolve) => {
    read = resolve;
  });
  const { receive, out } = start(async (request) => {
    await asked;
    return whole(await textIn(request));
  });
  receive(CHUNKED);
  receive("zz\r\n");
  receive("2\r\nhi\r\n0\r\n\r\n");
  read();
  await turns();
  expect(out.text).toStartWith("HTTP/1.1 400");
});

test("of chunks only the plainest form is taken", async () => {
  const bodies = ["2\nhi\r\n0\r\n\r\n", "2;x\r\nhi\r\n0\r\n\r\n", "2\r\nhi \r\n0\r\n\r\n"];
  bodies.push("2\r\nhi\r\n0\r\n\n", "2\r\nhi\r\n0\r\nTrailer: x\r\n\r\n", "0x2\r\nhi\r\n0\r\n\r\n");
  for (const body of bodies) {
    const { receive, out } = start(async (request) => whole(await textIn(request)));
    receive(CHUNKED);
    for (const byte of body) receive(byte);
    await turns();
    expect({ body, answer: out.text.slice(0, 12) }).toEqual({ body, answer: "HTTP/1.1 400" });
  }
});

test("a stream waits for a slow caller, and one that breaks off does not look whole", async () => {
  let sink: Sink | undefined;
  let end = (_: Error | undefined): void => {};
  const source = {
    run: (given: Sink) => {
      sink = given;
      return new Promise<void>((resolve, reject) => {
        end = (failure) => (failure ? reject(failure) : resolve());
      });
    },
    abandon: () => {},
  };
  const { connection, receive, out } = start(() => new StreamReply(200, new Headers(), source));
  receive(GET);
  await turns();
  const write = (text: string) => sink?.write(Buffer.from(text));
  write("one");
  expect(sink?.flush()).toBeUndefined();
  out.room = 4;
  write("two".repeat(7));
  const flushed = sink?.flush();
  expect(flushed).toBeInstanceOf(Promise);
  out.room = Number.POSITIVE_INFINITY;
  connection.sendRest();
  await flushed;
  expect(out.text).toEndWith(`\r\n\r\n3\r\none\r\n15\r\n${"two".repeat(7)}\r\n`);
  end(new Error("broke off"));
  await turns();
  expect(out.calls).toEqual(["terminate"]);
  expect(out.text).not.toContain("0\r\n\r\n");
});

test("a caller who hangs up aborts its request, whether or not anybody listened before", () => {
  const seen: ServerRequest[] = [];
  const { connection, receive } = start((request) => {
    seen.push(request);
    return new Promise(() => {});
  });
  receive(GET);
  const early = seen[0]?.signal;
  expect(early?.aborted).toBe(false);
  connection.closed();
  expect([early?.aborted, seen[0]?.signal.aborted]).toEqual([true, true]);
});

test("a body that nobody reads makes its caller wait, until somebody does", async () => {
  let request: ServerRequest | undefined;
  const { receive, out } = start((given) => {
    request = given;
    return new Promise(() => {});
  });
  receive(post(3_000_000));
  receive("x".repeat(600_000));
  expect(out.calls).toEqual([]);
  receive("x".repeat(600_000));
  expect(out.calls).toEqual(["pause"]);
  let bytes = 0;
  const reading = (async () => {
    for await (const part of request?.body ?? []) bytes += part.length;
  })();
  await turns();
  expect([bytes, out.calls.at(-1)]).toEqual([1_200_000, "resume"]);
  receive("x".repeat(1_800_000));
  await reading;
  expect(bytes).toBe(3_000_000);
});
