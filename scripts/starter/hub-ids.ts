/** What no list says and no rule finds: ids that were looked up by hand. */

/** Hub ids that no rule below would find. The Hub names are those of the models' own pages. */
export const HUB_ID_OF: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  cohere: {
    "c4ai-aya-expanse-32b": "CohereLabs/aya-expanse-32b",
    "command-a-03-2025": "CohereLabs/c4ai-command-a-03-2025",
    "command-r-08-2024": "CohereLabs/c4ai-command-r-08-2024",
    "command-r-plus-08-2024": "CohereLabs/c4ai-command-r-plus-08-2024",
    "command-r7b-12-2024": "CohereLabs/c4ai-command-r7b-12-2024",
  },
  cerebras: { "gemma-4-31b": "google/gemma-4-31B-it" },
  "fireworks-ai": { "accounts/fireworks/models/minimax-m2p1": "MiniMaxAI/MiniMax-M2.1" },
  novita: {
    "baidu/ernie-4.5-21B-a3b": "baidu/ERNIE-4.5-21B-A3B-PT",
    "baidu/ernie-4.5-vl-28b-a3b": "baidu/ERNIE-4.5-VL-28B-A3B-PT",
    "baidu/ernie-4.5-vl-424b-a47b": "baidu/ERNIE-4.5-VL-424B-A47B-Base-PT",
    // What the router lists as plain R1 and V3, at these prices, are Novita's "turbo" deployments.
    "deepseek/deepseek-r1-turbo": "deepseek-ai/DeepSeek-R1",
    "deepseek/deepseek-v3-turbo": "deepseek-ai/DeepSeek-V3",
    "meta-llama/llama-3-70b-instruct": "meta-llama/Meta-Llama-3-70B-Instruct",
    "meta-llama/llama-3-8b-instruct": "meta-llama/Meta-Llama-3-8B-Instruct",
    "microsoft/wizardlm-2-8x22b": "alpindale/WizardLM-2-8x22B",
    "moonshotai/kimi-k2-0905": "moonshotai/Kimi-K2-Instruct-0905",
    "qwen/qwen3-235b-a22b-fp8": "Qwen/Qwen3-235B-A22B",
    "qwen/qwen3-30b-a3b-fp8": "Qwen/Qwen3-30B-A3B",
    "qwen/qwen3-32b-fp8": "Qwen/Qwen3-32B",
    "sao10k/l3-8b-lunaris": "Sao10K/L3-8B-Lunaris-v1",
  },
  ovhcloud: {
    "Meta-Llama-3_3-70B-Instruct": "meta-llama/Llama-3.3-70B-Instruct",
    "Mistral-7B-Instruct-v0.3": "mistralai/Mistral-7B-Instruct-v0.3",
    "Mistral-Small-3.2-24B-Instruct-2506": "mistralai/Mistral-Small-3.2-24B-Instruct-2506",
    "Mixtral-8x7B-Instruct-v0.1": "mistralai/Mixtral-8x7B-Instruct-v0.1",
  },
  publicai: {
    // Their API writes these two in lower case and without the month.
    "swiss-ai/apertus-70b-instruct": "swiss-ai/Apertus-70B-Instruct-2509",
    "swiss-ai/apertus-8b-instruct": "swiss-ai/Apertus-8B-Instruct-2509",
  },
  together: { "Qwen/Qwen2.5-7B-Instruct-Turbo": "Qwen/Qwen2.5-7B-Instruct" },
};

/** The library names these by an alias; the id is the dated one of the provider's model page. */
export const DATED_ID_OF: Readonly<Record<string, string>> = {
  "command-a": "command-a-03-2025",
  "command-r": "command-r-08-2024",
  "command-r-plus": "command-r-plus-08-2024",
  "command-r7b": "command-r7b-12-2024",
};

/**
 * The library mixes chat models with those that only answer on other routes (Responses, audio,
 * images, legacy completions) and with prices copied from resellers, and does not mark which.
 */
export const OPENAI_CHAT = new Set(
  `gpt-3.5-turbo gpt-4 gpt-4-turbo gpt-4.1 gpt-4.1-mini gpt-4.1-nano gpt-4o gpt-4o-mini gpt-5
  gpt-5-mini gpt-5-nano gpt-5.1 gpt-5.2 gpt-5.4 gpt-5.4-mini gpt-5.4-nano gpt-5.5 gpt-5.6-luna
  gpt-5.6-sol gpt-5.6-terra gpt-6-astra gpt-6-luna gpt-6-sol o1 o3 o3-mini o4-mini`.split(/\s+/),
);
