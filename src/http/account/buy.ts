/** Buying credit without a program of one's own: a plain form, until there is a dashboard. */
import { responseOf } from "../../gateway/reply.js";
import { formatUsd } from "../../kernel/money.js";
import { readText } from "../body.js";
import { errorResponse } from "../errors.js";
import { escapeHtml, htmlPage } from "../html.js";
import { type Handler, type Site, Visit } from "../parts.js";
import { startCheckout } from "./payments.js";

const FORM_BYTES_MAX = 4 * 1024;

/** Where credit cannot be bought, its button is off and says what is missing. */
export function buyForm({ config, processor }: Site): string {
  const { missing } = processor;
  const off = missing.length > 0 ? " disabled" : "";
  const why = `<p>Credit cannot be bought here yet: the operator has not set ${missing.map((name) => `<code>${escapeHtml(name)}</code>`).join(" and ")}.</p>`;
  return `<h2>Buy credit</h2>
<form method="post" action="/buy">
<label>Your token <input name="token" type="password" autocomplete="off" required${off}></label>
<label>Dollars <input name="amount" inputmode="decimal" size="8" value="${formatUsd(config.payments.minAmount)}" required${off}></label>
<button${off}>Buy credit</button>
</form>
${off === "" ? "" : why}`;
}

/** POST /buy: on to the processor's page, or what keeps the caller from it. */
export const buy: Handler = async (site, visit) => {
  try {
    const form = new URLSearchParams(await readText(visit.request, FORM_BYTES_MAX));
    const answer = responseOf(await startCheckout(site, asked(site, visit, form)));
    const { url } = await answer.json();
    return new Response(null, { status: 303, headers: { location: url } });
  } catch (thrown) {
    const told = errorResponse(thrown, { dialect: "openai", id: visit.id, log: site.gateway.log });
    const { error } = await told.json();
    const body = `<h1>No credit was bought</h1><p>${escapeHtml(error.message)}</p><p><a href="/">Back</a></p>`;
    return htmlPage("Turnpike", "", body, told.status);
  }
};

/** The form's words as a request to our own API. */
function asked({ gateway, bodies }: Site, visit: Visit, form: URLSearchParams): Visit {
  const token = form.get("token") ?? "";
  const isToken = /^[\x21-\x7e]+$/.test(token);
  const request = new Request(visit.request.url, {
    method: "POST",
    headers: isToken ? { authorization: `Bearer ${token}` } : {},
    body: JSON.stringify({ amount: (form.get("amount") ?? "").trim() }),
  });
  return new Visit(request, visit.path, visit.id, gateway.clock, bodies);
}
