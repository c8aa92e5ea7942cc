/** The routes of providers' own that callers may use: all that our adapters use, and with the same model and job. */
import { describe, expect, test } from "bun:test";
import { builtInProviders } from "../../src/config/providers.js";
import type { PassRoute, Provider } from "../../src/providers/provider.js";
import { type TaskExchange, taskExchanges, type WrittenRequest } from "./exchange-files.js";

const providers = new Map<string, Provider>(builtInProviders.map((one) => [one.id, one]));
const exchanges = taskExchanges().filter(({ provider, sent }) => sent && providers.has(provider));

/** What stands in the places of a route's path; undefined where the path is another. */
function placesIn(route: PassRoute, path: string): Readonly<Record<string, string>> | undefined {
  const pattern = route.path
    .replace(/[.+?^$()|[\]\\]/g, "\\$&")
    .replaceAll("*", "[^/]+")
    .replace("{model}", "(?<model>.+)")
    .replace("{job}", "(?<job>[^/]+)");
  const match = new RegExp(`^${pattern}$`).exec(path);
  return match ? { ...match.groups } : undefined;
}

type Found = { readonly route: PassRoute; readonly model?: string; readonly job?: string };

function found({ routes = [] }: Provider, { method, path }: WrittenRequest): Found[] {
  const [bare = "", query = ""] = path.split("?");
  return routes
    .filter((route) => route.method === method)
    .flatMap((route) => {
      const places = placesIn(route, bare);
      const job = route.job && new URLSearchParams(query).get(route.job);
      return places ? [{ route, ...places, ...(job && { job }) }] : [];
    });
}

/** Where a request names its model. */
function modelIn(sent: WrittenRequest, { route, model }: Found): unknown {
  if (model !== undefined || route.model === undefined) return model;
  const field = sent.form?.find(({ name }) => name === route.model);
  if (field) return "text" in field ? field.text : undefined;
  return Reflect.get(Object(sent.body), route.model);
}

/** Replicate's versions stand alone; fal's apps are called at a shorter path without a picture. */
const isNamed = (named: unknown, { model }: TaskExchange["input"]): boolean =>
  named === model || model.endsWith(`:${named}`) || model.startsWith(`${named}/`);

/** Text generation by a provider that only has chat is on the route of chat, which is none of these. */
const isChat = (provider: Provider, { path }: WrittenRequest, { model }: TaskExchange["input"]) =>
  provider.tasks.conversational?.path(model) === path;

describe("a caller may use itself", () => {
  for (const { name, provider: id, task, input, sent, polls = [] } of exchanges) {
    const provider = providers.get(id);
    if (!provider || !sent || isChat(provider, sent, input)) continue;
    test(`what ${name} uses`, () => {
      const begin = found(provider, sent).filter(({ route }) => route.tasks.includes(task));
      expect(begin.filter((one) => isNamed(modelIn(sent, one), input))).not.toEqual([]);
      for (const poll of polls) {
        const asked = found(provider, poll.sent).filter(({ route }) => route.tasks.length === 0);
        expect(asked.map(({ job }) => job)).toContain(poll.job);
      }
    });
  }
});

test("a route that begins something names a model, and one that does not names a job", () => {
  for (const { id, routes = [] } of providers.values()) {
    for (const route of routes) {
      const namesModel = route.path.includes("{model}") || route.model !== undefined;
      const namesJob = route.path.includes("{job}") || route.job !== undefined;
      const { method, path, tasks } = route;
      expect({ id, method, path, namesModel, namesJob }).toEqual({
        id,
        method,
        path,
        namesModel: tasks.length > 0,
        namesJob: tasks.length === 0,
      });
    }
  }
});

test("a provider's route is open only for tasks that it has here", () => {
  const idle = [...providers.values()].flatMap(({ id, tasks: adapters, routes = [] }) =>
    routes
      .filter((route: PassRoute) => route.tasks.some((task) => !(task in adapters)))
      .map(({ path }) => `${id} ${path}`),
  );
  expect(idle).toEqual([]);
});
