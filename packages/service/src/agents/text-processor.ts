import { type Static, Type } from "typebox";
import type { AgentTask, AgentType, TaskContext } from "./agent-type.ts";
import { summarize } from "./text/summarize.ts";

const text = Type.String({ minLength: 1, maxLength: 900_000, description: "The text." });
const input = Type.Union([text, Type.Object({ text }, { additionalProperties: false })]);
const parameters = Type.Object(
  { max_length: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, description: "Words at most (100)." })) },
  { additionalProperties: false },
);
const lengthUnlessGiven = 100;

const summarizeTask: AgentTask = {
  type: "summarize",
  summary: "A summary of sentences of the text, in at most so many words.",
  input,
  parameters,
  run: async (
    given: Static<typeof input>,
    { max_length: most = lengthUnlessGiven }: Static<typeof parameters>,
    { progress, token, breathe }: TaskContext,
  ) => {
    progress(0, "reading");
    const { summary, sentences, words, originalWords } = await summarize(
      typeof given === "string" ? given : given.text,
      most,
      breathe,
    );
    token(summary);
    return { summary, words, original_words: originalWords, sentences };
  },
};

export const textProcessor: AgentType = {
  name: "text_processor",
  summary: "Works on texts.",
  tasks: [summarizeTask],
};
