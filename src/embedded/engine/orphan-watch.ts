/** The thread that ends an engine's process once its parent is gone, however that ended. */

export {};

const LOOK_EVERY_MS = 250;
const parentId = process.ppid;

setInterval(() => {
  if (process.ppid !== parentId) process.kill(process.pid, "SIGKILL");
}, LOOK_EVERY_MS);
