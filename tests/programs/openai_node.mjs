import assert from "node:assert";
// docs
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.PORTAL + "/v1", apiKey: process.env.PORTAL_KEY });
const model = process.env.PORTAL_MODEL;
const messages = [{ role: "user", content: "How do I add a model?" }];

let text = "";
for await (const chunk of await client.chat.completions.create({ model, messages, stream: true })) {
  text += chunk.choices[0]?.delta?.content ?? "";
}

const tools = [{
  type: "function",
  function: { name: "find", strict: true, parameters: {
    type: "object", properties: { sure: { type: "boolean" } }, required: ["sure"], additionalProperties: false,
  } },
}];
const asked = await client.chat.completions.create({ model, messages, tools, tool_choice: "required" });
const call = asked.choices[0].message.tool_calls[0];
const told = await client.chat.completions.create({
  model, tools,
  messages: [...messages, asked.choices[0].message, { role: "tool", tool_call_id: call.id, content: "Found." }],
});
// end of docs
assert(text.length > 0);
assert.strictEqual(typeof JSON.parse(call.function.arguments).sure, "boolean");
assert(told.choices[0].message);
const response = await client.responses.create({ model, input: "How do I add a model?" });
assert(response.output_text.length > 0);
await assert.rejects(client.chat.completions.create({ model: "gpt-9", messages }), (error) => error.status === 404);
const controller = new AbortController();
const stopped = await client.chat.completions.create({ model, messages, stream: true }, { signal: controller.signal });
for await (const _ of stopped) { controller.abort(); break; }
