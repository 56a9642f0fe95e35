import { agentExecution } from "../scenarios/agent-execution.ts";
import { authPerformance } from "../scenarios/auth.ts";
import { gatewayRate, loginRate, openSessions } from "../scenarios/capacity.ts";
import { enduranceTest } from "../scenarios/endurance.ts";
import { knowledgeSearch } from "../scenarios/knowledge-search.ts";
import { burstLoad, mixedLoad, peakLoad } from "../scenarios/mixed.ts";
import { multiUserLoad } from "../scenarios/multi-user.ts";
import { stressTest } from "../scenarios/stress.ts";
import { toolExecution } from "../scenarios/tools.ts";
import { availabilityObjectives } from "./availability.ts";
import type { ServiceCheck } from "./check.ts";
import { componentTargets } from "./components.ts";
import { atOnce } from "./at-once.ts";
import { contexts } from "./contexts.ts";
import { loadCheck, putLoad } from "./load-check.ts";
import { lookMeanwhile } from "./look-meanwhile.ts";

/** Seconds. */
const warmUpAtMost = 10;

/** S4-060, and how soon our own is ready: embedded database, nothing cached, on two shared cores. */
const start: ServiceCheck = {
  id: "service.start",
  suite: "service",
  group: "infrastructure_benchmarks",
  title: "the service is started with its data, and answers",
  requirement: ["S4-060"],
  seconds: { smoke: 5, ci: 12, full: 240, soak: 240 },
  share: 8,
  rules: { thresholds: { "service.start.time": { threshold: "max<=300s", requirement: ["S4-060"] } } },
  run: async (context) => {
    const { subject, record, clock, seconds } = context;
    const from = clock.now();
    const { status } = await subject.client.call("GET", "/ready");
    const answered = clock.now() - from;
    if (status === 200) record.operation("service.ready.time").times.record(answered);
    const { startedIn } = subject;
    if (startedIn !== undefined) record.operation("service.start.time").times.record(startedIn * 1e6);
    // What is promised is promised of a service that has been running: the first requests of a process are compiled while
    // they are answered. What came of these is not looked at.
    await putLoad(mixedLoad, { ...context, seconds: Math.min(warmUpAtMost, seconds / 4) });
  },
};

/** Last, because everything that was going on has to end first. */
const again: ServiceCheck = {
  id: "service.restart",
  suite: "service",
  group: "infrastructure_benchmarks",
  title: "the service drains, ends, and is started again on the data that it has",
  requirement: ["S4-060"],
  needs: ["start"],
  seconds: { ci: 8, full: 30, soak: 30 },
  rules: {
    thresholds: {
      "service.restart.time": { threshold: "max<=3s", severity: "medium" },
      "service.drain.time": "max<=30s",
    },
  },
  run: async ({ subject, record }) => {
    const restarted = await subject.restart?.();
    if (!restarted) return; // one that somebody else runs is not ours to end: told before
    const { endedIn, startedIn } = restarted;
    record.operation("service.drain.time").times.record(endedIn * 1e6);
    record.operation("service.restart.time").times.record(startedIn * 1e6);
  },
};

/** Of checks that read what others have measured. */
const readOnly = { smoke: 0.1, ci: 0.1, full: 0.1, soak: 0.1 } as const;

/** What the service told of itself while the load stayed within what is promised. */
const parts: ServiceCheck = {
  id: "service.components",
  suite: "service",
  group: "infrastructure_benchmarks",
  title: "the service's parts under the load that it is promised for",
  needs: ["metrics", "load"],
  requirement: [],
  seconds: readOnly,
  share: 0.1,
  rules: {
    targets: componentTargets,
    thresholds: {
      "service.gateway.token-cache.hits": { threshold: "rate>=95%", requirement: ["S4-083"] },
      "service.knowledge.cache.hits": { threshold: "rate>=80%", requirement: ["S4-103"] },
    },
  },
  run: async ({ components, keep }) => keep(components.measurements({ platform: "service" })),
};

const available: ServiceCheck = {
  id: "service.availability",
  suite: "service",
  group: "infrastructure_benchmarks",
  title: "requests that were answered as promised, of all within what is promised",
  needs: ["load"],
  requirement: [],
  seconds: readOnly,
  share: 0.1,
  rules: { objectives: availabilityObjectives },
  run: async ({ availability, record }) => availability.record(record),
};

const ofMachine = { severity: "medium", required: false } as const;

const usage: ServiceCheck = {
  id: "service.usage",
  suite: "service",
  group: "resource_efficiency_tests",
  title: "what the service takes of its machine under the load that it is promised for",
  needs: ["metrics", "load"],
  requirement: [],
  seconds: readOnly,
  share: 0.1,
  rules: {
    thresholds: {
      // The generator and the database use the same cores, which is not how it is run in earnest: these warn.
      "service.usage.cpu": [
        { threshold: "mean<0.65", severity: "medium", required: false, requirement: ["S4-023"] },
        { threshold: "max<0.85", severity: "medium", required: false, requirement: ["S4-023"] },
      ],
      "service.usage.memory": [
        { threshold: "mean<0.7", severity: "medium", required: false, requirement: ["S4-024"] },
        { threshold: "max<0.9", severity: "medium", required: false, requirement: ["S4-024"] },
      ],
      "service.usage.pool": { threshold: "mean<0.8", severity: "medium", requirement: ["S4-027"] },
      // Where the system tells of them: of disks it does not in most containers, of a network's speed not on virtual machines.
      "service.usage.disk.reads": { ...ofMachine, threshold: "mean<5000/s", requirement: ["S4-025"] },
      "service.usage.disk.writes": { ...ofMachine, threshold: "mean<2000/s", requirement: ["S4-025"] },
      "service.usage.network": { ...ofMachine, threshold: "mean<0.7", requirement: ["S4-026"] },
    },
  },
  run: async (context) => context.usage.record(context.record),
};

const hour = 3600;

/** What a service is validated by, in the order in which it runs. Times are seconds; rates and users never change (T-17). */
export const serviceChecks: readonly ServiceCheck[] = [
  start,
  loadCheck(authPerformance, { seconds: { smoke: 1, ci: 10, full: 960, soak: 960 }, share: 2, promised: true }),
  loadCheck(mixedLoad, {
    seconds: { smoke: 1, ci: 10, full: 600, soak: hour },
    share: 3,
    promised: true,
    steady: true,
    meanwhile: lookMeanwhile,
  }),
  contexts,
  loadCheck(agentExecution, { seconds: { smoke: 1.5, ci: 10, full: 600, soak: 600 }, share: 3, promised: true }),
  loadCheck(knowledgeSearch, { seconds: { smoke: 1, ci: 6, full: 600, soak: 600 }, promised: true, steady: true }),
  loadCheck(toolExecution, { seconds: { smoke: 1, ci: 6, full: 600, soak: 600 }, promised: true }),
  loadCheck(multiUserLoad, { seconds: { smoke: 1.5, ci: 8, full: 1800, soak: 1800 }, promised: true }),
  loadCheck(peakLoad, { seconds: { full: hour, soak: hour }, promised: true, steady: true }),
  loadCheck(burstLoad, { seconds: { ci: 4, full: 300, soak: 300 }, promised: true, steady: true }),
  loadCheck(enduranceTest, { seconds: { soak: 24 * hour }, promised: true }),
  parts,
  available,
  usage,
  atOnce,
  loadCheck(loginRate, { seconds: { ci: 4, full: 60, soak: 600 }, promised: false }),
  loadCheck(gatewayRate, { seconds: { smoke: 1, ci: 5, full: 60, soak: 600 }, share: 2, promised: false }),
  loadCheck(stressTest, { seconds: { ci: 8, full: 3000, soak: 3000 }, promised: false }),
  loadCheck(openSessions, { seconds: { full: 600, soak: 600 }, promised: false }),
  again,
];
