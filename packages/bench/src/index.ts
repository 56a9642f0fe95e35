export { type AgainstOptions, addressesCanBeFixed, benchAgainst } from "./against.ts";
export {
  afterAll,
  Bench,
  type BenchBody,
  type BenchContext,
  type BenchFunction,
  beforeAll,
  bench,
  type CaseOptions,
  describe,
  type Hook,
  type LeakCaseOptions,
  leak,
  measure,
  memoryPerThing,
  type Parameters,
  type ParameterValue,
  type PerThingOptions,
  type RecordBody,
  type RecordOptions,
  type SuiteFunction,
  type SuiteOptions,
  suite,
} from "./authoring.ts";
export { benchRun, type MeasureOptions, measureBenchmarks, type RunFacts } from "./bench-run.ts";
export { type BenchErrorCode, benchErrors } from "./errors.ts";
export type { BenchEvent, BenchListener } from "./events.ts";
export { type BenchLabErrorCode, benchLabErrors } from "./lab-errors.ts";
export {
  type AllocationMeasurement,
  type AllocationOptions,
  allocationDefaults,
  measureAllocation,
  type RunIterations,
} from "./memory/allocation.ts";
export { collectGarbage, type MemoryReading, type MemoryScope, memoryScopes, readMemory } from "./memory/heap.ts";
export {
  findLeak,
  type GrowthPerHour,
  type LeakFinding,
  type LeakOptions,
  type LeakPoint,
  leakDefaults,
  type MeasureLeakOptions,
  measureLeak,
} from "./memory/leak.ts";
export {
  type MemoryPerThing,
  type MemoryPerThingOptions,
  type MemoryPoint,
  type MemorySlope,
  measureMemoryPerThing,
  memoryPerThingDefaults,
  memorySlope,
} from "./memory/per-thing.ts";
export { type BenchPlan, benchPlans, resolvePlan } from "./plan.ts";
export { type CpuProfile, type CpuProfileOptions, cpuFlame, profileCpu, writeCpuProfile } from "./profile/cpu.ts";
export {
  type CaseInstructionsOptions,
  caseInstructionArguments,
  type ProfileCaseOptions,
  profileCaseCpu,
  profileCaseHeap,
} from "./profile/profile-case.ts";
export { type ProfileFiles, safeFileName } from "./profile/files.ts";
export {
  type FlameNode,
  type FlameUnit,
  type FunctionTotals,
  profileTotalsText,
  topFunctions,
} from "./profile/flame.ts";
export { type HeapProfile, type HeapProfileOptions, heapFlame, profileHeap, writeHeapProfile } from "./profile/heap.ts";
export {
  type InstructionsMeasurement,
  type InstructionsOptions,
  instructionsDefaults,
  measureInstructions,
  moduleArguments,
} from "./profile/instructions.ts";
export { describeRevision, prepareAgainst, prepareFolder, prepareRevision } from "./revision/worktree.ts";
export { type BenchOptions, type BenchResult, discover, problemOf, runBenchmarks } from "./runner.ts";
