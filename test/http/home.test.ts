import { expect, test } from "bun:test";
import { call, testApp } from "../support/app.js";
import { yamlFor } from "../support/provider.js";

/** The front page of an installation, as a reader sees it. */
async function homeOf(yaml: string, env = {}): Promise<string> {
  const app = await testApp({ yaml, env });
  try {
    const page = await app.answer(call("GET", "/"));
    expect(page.status).toBe(200);
    return (await page.text()).replaceAll("&#34;", '"');
  } finally {
    await app.stop();
  }
}

test("the first page shows a call of a chat model that works here", async () => {
  expect(await homeOf(yamlFor({ local: "http://127.0.0.1:9" }))).toContain('"model":"org/model"');
  const openai = await homeOf("", { OPENAI_API_KEY: "k" });
  expect(openai).toMatch(/"model":"openai\/[^"]+"/);
});

test("the model that README.md asks is the one to show, where it works", async () => {
  const page = await homeOf("", { OPENAI_API_KEY: "k", NOVITA_API_KEY: "k" });
  expect(page).toContain('"model":"meta-llama/Llama-3.1-8B-Instruct"');
});

test("without a key for any chat model the first page says what to do, and shows no call that fails", async () => {
  const page = await homeOf("");
  expect(page).not.toContain("curl");
  expect(page).toContain("npx turnpike sim");
});

test("a model that is not live, or that nobody can be charged for, is not shown", async () => {
  for (const change of [{ status: "error" }, { price: undefined }]) {
    const yaml = JSON.parse(yamlFor({ local: "http://127.0.0.1:9" }));
    Object.assign(yaml.models[0].providers[0], change);
    expect(await homeOf(JSON.stringify(yaml))).not.toContain("curl");
  }
});
