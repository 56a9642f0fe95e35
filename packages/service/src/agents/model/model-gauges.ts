import type { Gauge } from "../../http/metrics.ts";
import type { OpenAiModel } from "./openai-model.ts";

/** What the model's client tells at /metrics. */
export const modelGauges = (model: OpenAiModel): readonly Gauge[] => [
  {
    name: "model_requests",
    help: "Requests to the language model; retried: after a failure that may pass.",
    kind: "counter",
    label: "outcome",
    read: () => ({ ...model.statistics }),
  },
];
