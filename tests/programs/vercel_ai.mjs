import assert from "node:assert";
// docs
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, Output, streamText } from "ai";
import { z } from "zod";

const portal = createOpenAICompatible({
  name: "portal", baseURL: process.env.PORTAL + "/v1", apiKey: process.env.PORTAL_KEY, supportsStructuredOutputs: true,
});
const model = portal(process.env.PORTAL_MODEL);

let text = "";
for await (const part of streamText({ model, prompt: "How do I add a model?" }).textStream) {
  text += part;
}

const { output } = await generateText({
  model, prompt: "How do I add a model?", output: Output.object({ schema: z.object({ aboutModels: z.boolean() }) }),
});
// end of docs
assert(text.length > 0);
assert.strictEqual(typeof output.aboutModels, "boolean");
