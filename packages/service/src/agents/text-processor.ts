import { type Static, Type } from "typebox";
import type { AgentTask, AgentType, TaskContext } from "./agent-type.ts";
import type { ChatModel } from "./model/chat-model.ts";
import { summarize } from "./text/summarize.ts";
import { summarizeByModel } from "./text/summarize-by-model.ts";

const text = Type.String({ minLength: 1, maxLength: 900_000, description: "The text." });
const input = Type.Union([text, Type.Object({ text }, { additionalProperties: false })]);
const parameters = Type.Object(
  { max_length: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, description: "Words at most (100)." })) },
  { additionalProperties: false },
);
const lengthUnlessGiven = 100;

/** @param model - writes the summaries; without one they are sentences of the text */
export function textProcessor(model: ChatModel | undefined): AgentType {
  const task: AgentTask = {
    type: "summarize",
    summary: "A summary of the text, in at most so many words.",
    input,
    parameters,
    run: async (given: Static<typeof input>, options: Static<typeof parameters>, context: TaskContext) => {
      const { max_length: most = lengthUnlessGiven } = options;
      const whole = typeof given === "string" ? given : given.text;
      context.progress(0, "reading");
      if (model) {
        const { originalWords, ...summary } = await summarizeByModel(whole, most, model, context);
        return { ...summary, original_words: originalWords, model: model.name };
      }
      const { summary, sentences, words, originalWords } = await summarize(whole, most, context.breathe);
      context.token(summary);
      return { summary, words, original_words: originalWords, sentences };
    },
  };
  return { name: "text_processor", summary: "Works on texts.", tasks: [task] };
}
