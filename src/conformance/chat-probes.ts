/** The bodies that chat is tried with: as small as they can be and still say something. */

export type ChatBody = Readonly<Record<string, unknown>>;

const asking = (content: string): ChatBody => ({ messages: [{ role: "user", content }] });

export const PLAIN: ChatBody = asking("Say hello in one short sentence.");

/** Long enough for its speed to mean something. */
export const STREAM: ChatBody = {
  ...asking("Count from 1 to 20 in words, separated by commas."),
  stream: true,
};

export const TOOL = "get_weather";

export const TOOLS: ChatBody = {
  ...asking(`What is the weather in Paris? Call the tool ${TOOL}.`),
  tools: [
    {
      type: "function",
      function: {
        name: TOOL,
        description: "The weather of a city",
        parameters: {
          type: "object",
          properties: { city: { type: "string" } },
          required: ["city"],
        },
      },
    },
  ],
  tool_choice: "auto",
};

export const MEMBERS = { city: "string", population: "number" } as const;

/** In the form that OpenAI's clients write. */
export const STRUCTURED: ChatBody = {
  ...asking("Name one city and the number of people who live there, as JSON."),
  response_format: {
    type: "json_schema",
    json_schema: {
      name: "city",
      schema: {
        type: "object",
        properties: { city: { type: "string" }, population: { type: "number" } },
        required: Object.keys(MEMBERS),
        additionalProperties: false,
      },
    },
  },
};

/** Output that each may have. Models that think first need room for it. */
export const TOKENS = { plain: 64, stream: 128, tools: 256, structured: 256 } as const;
