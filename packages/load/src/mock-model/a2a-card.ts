/** The agent's card, readable by clients of 1.0 (`supportedInterfaces`) and of 0.3 (`url`, `preferredTransport`). */
export function agentCard(base: string): Readonly<Record<string, unknown>> {
  const rpc = `${base}/a2a`;
  const rest = `${base}/a2a/rest`;
  return {
    name: "Mettle mock agent",
    description: "Answers every message with words drawn from a seed.",
    version: "1.0.0",
    supportedInterfaces: [
      { url: rpc, protocolBinding: "JSONRPC", protocolVersion: "1.0" },
      { url: rest, protocolBinding: "HTTP+JSON", protocolVersion: "1.0" },
      { url: rpc, protocolBinding: "JSONRPC", protocolVersion: "0.3" },
    ],
    capabilities: { streaming: true, pushNotifications: false, extendedAgentCard: false },
    defaultInputModes: ["text/plain"],
    defaultOutputModes: ["text/plain"],
    skills: [{ id: "answer", name: "Answer", description: "Answers with words.", tags: ["mock"] }],
    protocolVersion: "0.3.0",
    url: rpc,
    preferredTransport: "JSONRPC",
  };
}
