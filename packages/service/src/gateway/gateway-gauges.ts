import type { Gauge } from "../http/metrics.ts";
import type { Gateway } from "./gateway.ts";
import type { Instance } from "./instance.ts";

/** What the gateway tells at /metrics. */
export function gatewayGauges(gateway: Gateway): readonly Gauge[] {
  const byInstance = (read: (instance: Instance) => number) => (): Readonly<Record<string, number>> =>
    Object.fromEntries(gateway.instances.map((instance) => [instance.name, read(instance)]));
  const label = "instance";
  return [
    {
      name: "gateway_requests",
      help: "Executions that were handed to an instance.",
      kind: "counter",
      label,
      read: byInstance(({ given }) => given),
    },
    {
      name: "gateway_failures",
      help: "Executions that an instance did not take; they were tried elsewhere.",
      kind: "counter",
      label,
      read: byInstance(({ failed }) => failed),
    },
    {
      name: "gateway_outstanding",
      help: "Executions that are with an instance now.",
      kind: "gauge",
      label,
      read: byInstance(({ outstanding }) => outstanding),
    },
    {
      name: "gateway_instance_available",
      help: "1 where an instance is healthy and its circuit breaker lets requests through.",
      kind: "gauge",
      label,
      read: byInstance(({ available }) => (available ? 1 : 0)),
    },
    {
      name: "gateway_retries",
      help: "Requests that were tried elsewhere.",
      kind: "counter",
      read: () => gateway.retries,
    },
  ];
}
