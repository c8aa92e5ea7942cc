/** What callers may send to providers on their own wire: what our adapters send, and nothing that no model stands for. */
import { expect, test } from "bun:test";
import { builtInProviders } from "../../src/config/config.js";
import type { PassRoute } from "../../src/providers/provider.js";
import { taskExchanges } from "./exchange-files.js";

const routes = builtInProviders.flatMap(({ id, tasks: adapters, routes = [] }) =>
  routes.map((route) => ({ id, adapters, ...route })),
);

function matches({ method, path }: PassRoute, sent: { method: string; path: string }): boolean {
  const inOne = (text: string) =>
    text
      .split(/\{job\}|\*/)
      .map(RegExp.escape)
      .join("[^/]+");
  const pattern = path.split("{model}").map(inOne).join(".+");
  return method === sent.method && new RegExp(`^${pattern}(\\?.*)?$`).test(sent.path);
}

test("what an adapter begins with, callers may send themselves", () => {
  const closed = taskExchanges()
    // Chat has routes of its own, also where it stands in for completions.
    .filter(({ sent }) => sent && !sent.path.endsWith("/chat/completions"))
    .filter(({ provider }) => provider !== "openai-compatible")
    .filter(({ provider, task, sent }) => {
      const open = routes.filter(({ id, tasks }) => id === provider && tasks.includes(task));
      return !open.some((route) => sent && matches(route, sent));
    });
  expect(closed.map(({ name }) => name)).toEqual([]);
});

test("a provider's route is open only for tasks that it has here", () => {
  const idle = routes.filter(({ adapters, tasks }) => tasks.some((task) => !(task in adapters)));
  expect(idle.map(({ id, path }) => `${id} ${path}`)).toEqual([]);
});

test("what begins something names a model, and what asks for something names its job", () => {
  const open = routes.filter(({ path, tasks, model, job }) => {
    const namesModel = path.includes("{model}") || model !== undefined;
    const namesJob = path.includes("{job}") || job !== undefined;
    return tasks.length > 0 ? !namesModel || namesJob : !namesJob || namesModel;
  });
  expect(open.map(({ id, path }) => `${id} ${path}`)).toEqual([]);
});
