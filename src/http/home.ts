import { isPriceFor } from "../metering/priceable.js";
import { buyForm } from "./account/buy.js";
import { escapeHtml, htmlPage } from "./html.js";
import { isReachable, visibleMappings } from "./hub/visible.js";
import { type Handler, json, type Site } from "./parts.js";

/** The process runs. */
export const healthz: Handler = () => json({ status: "ok" });

/** The process can also charge: its store answers. */
export const readyz: Handler = async (site) =>
  (await site.isReady())
    ? json({ status: "ready" })
    : json({ status: "not ready", reason: "the store does not answer" }, 500);

/** A plain page, until there is a dashboard. */
export const home: Handler = (site, { url }) => {
  const rows = [...site.gateway.providers.values()].map(
    ({ provider, key }) =>
      `<tr><td>${escapeHtml(provider.name)}</td><td><code>${escapeHtml(provider.id)}</code></td><td>${
        key !== undefined || !provider.needsKey
          ? "ready"
          : `set <code>${provider.keyVariable}</code>`
      }</td></tr>`,
  );
  return htmlPage(
    "Turnpike",
    STYLE,
    `<h1>Turnpike</h1>
<p>One token and one API for every model on every provider.</p>
${firstCall(site, url.origin)}
<p>Models: <a href="/v1/models">/v1/models</a></p>
<table><tr><th>Provider</th><th>Id</th><th>State</th></tr>${rows.join("")}</table>
${paid(url.searchParams)}${buyForm(site)}`,
  );
};

/** For whoever comes back from the payment processor's page. */
const paid = (query: URLSearchParams): string =>
  query.get("checkout") === "paid"
    ? "<p>Thank you. The credit is yours as soon as the payment is confirmed, in a few seconds mostly.</p>"
    : "";

/** The model that README.md asks. */
const KNOWN_BY_HEART = "meta-llama/Llama-3.1-8B-Instruct";

/** A call that works here as it is, where any chat model does. */
function firstCall(site: Site, origin: string): string {
  const ids = callableChatModels(site);
  const model = ids.includes(KNOWN_BY_HEART) ? KNOWN_BY_HEART : ids[0];
  if (model === undefined) return NO_CHAT;
  const body = { model, messages: [{ role: "user", content: "Say hi" }] };
  const command = `curl ${origin}/v1/chat/completions \\
  -H "Authorization: Bearer $TURNPIKE_TOKEN" -H "Content-Type: application/json" \\
  -d '${JSON.stringify(body)}'`;
  return `<pre>${escapeHtml(command)}</pre>`;
}

const NO_CHAT =
  "<p>No chat model can be called yet: a provider has to have a key first. Without one, the simulator shows how it all works: <code>npx turnpike sim</code>.</p>";

const callableChatModels = (site: Site): readonly string[] =>
  [...site.gateway.catalog.all()]
    .filter((model) =>
      visibleMappings(site, undefined, model)?.some(
        (mapping) =>
          mapping.task === "conversational" &&
          mapping.status === "live" &&
          isReachable(site, mapping) &&
          (mapping.isFree || isPriceFor(mapping.task, mapping.price)),
      ),
    )
    .map(({ id }) => id);

const STYLE = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem; }
  table { border-collapse: collapse } td, th { text-align: left; padding: .2rem 1rem .2rem 0 }
  form { display: flex; flex-wrap: wrap; gap: 1rem; align-items: end } label { display: grid }
  pre { background: #8881; padding: 1rem; overflow-x: auto }
`;
