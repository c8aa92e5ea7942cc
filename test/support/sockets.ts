/** Bare TCP, for what no HTTP library would send or answer. */
import { connect, createServer, type Socket } from "node:net";

/** A server that writes whatever a test says once a request's body has come. */
export async function rawProvider(respond: (socket: Socket, request: string) => void) {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    let text = "";
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (data) => {
      text += data.toString("latin1");
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? Number.NaN);
      const start = text.indexOf("\r\n\r\n") + 4;
      if (start < 4 || text.length < start + length) return;
      requests.push(text);
      respond(socket, text);
      text = "";
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    origin: `http://127.0.0.1:${address.port}`,
    requests,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Sends bytes as they are and resolves to all that came back until the server closed or fell silent. */
export function rawRequest(origin: string, text: string, silenceMs = 200): Promise<string> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    let answer = "";
    const finish = () => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(silenceMs, finish);
    socket.on("data", (data) => {
      answer += data.toString("latin1");
    });
    socket.on("error", finish);
    socket.on("close", finish);
    socket.write(text);
  });
}
