import assert from "node:assert";
// docs
import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ baseURL: process.env.PORTAL, apiKey: process.env.PORTAL_KEY }); // without /v1
const model = process.env.PORTAL_MODEL;
const messages = [{ role: "user", content: "How do I add a model?" }];

const message = await client.messages
  .stream({ model, max_tokens: 300, messages })
  .on("text", (text) => process.stdout.write(text))
  .finalMessage();
// end of docs
assert(message.content[0].text.length > 0);
const tools = [{ name: "find", input_schema: { type: "object", properties: { sure: { type: "boolean" } }, required: ["sure"] }, strict: true }];
const asked = await client.messages.create({ model, max_tokens: 100, messages, tools, tool_choice: { type: "any" } });
const call = asked.content.find((block) => block.type === "tool_use");
assert.strictEqual(typeof call.input.sure, "boolean");
const result = [{ type: "tool_result", tool_use_id: call.id, content: "Found." }];
const told = await client.messages.create({
  model, max_tokens: 100, tools, messages: [...messages, { role: "assistant", content: asked.content }, { role: "user", content: result }],
});
assert(told.stop_reason);
assert((await client.messages.countTokens({ model, messages })).input_tokens > 0);
await assert.rejects(client.messages.create({ model: "claude-9", max_tokens: 9, messages }), (error) => error.status === 404);
