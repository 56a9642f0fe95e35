export { installedPlatforms, openPlatform, platformNames } from "./adapters/adapters.ts";
export { baselineOf, type ComponentBaselines } from "./catalogue/baselines.ts";
export { catalogue, scenariosOf } from "./catalogue/catalogue.ts";
export {
  type CatalogueEntry,
  type ResultGroup,
  resultGroups,
  type Rules,
  type Scenario,
  type ScenarioContext,
  type SuiteName,
  suiteNames,
} from "./catalogue/scenario.ts";
export { type SuitesErrorCode, suitesErrors } from "./errors.ts";
export {
  type MetricOptions,
  type OperationTimes,
  Recorder,
  type Tags,
  type ValueOptions,
} from "./measure/recorder.ts";
export {
  type AdaptationResult,
  type AgentDescription,
  type AgentHandle,
  type AgentMessage,
  type AgentPlatform,
  type AgentSpawn,
  type Awaitable,
  capabilities,
  capabilitiesOf,
  type Capability,
  coreOperations,
  type Crowd,
  type CoreOperation,
  type CoordinationFacet,
  type CoordinationOutcome,
  type DiscoveryQuery,
  type JournalFacet,
  type LimitsFacet,
  type OutsideFacet,
  type PlatformOptions,
  type RegistryFacet,
  type SettingsFacet,
  type SignalFilter,
  type SignalHandler,
  type SignalsFacet,
  type SupervisionFacet,
  type VariableHandle,
  type VariableKindName,
  variableKinds,
  type VariablesFacet,
  type VariableUpdate,
} from "./platform/platform.ts";
export { unsupportedText } from "./validate/unsupported.ts";
export type { Recommendation } from "./validate/recommendations.ts";
export type { GroupResult, ScenarioResult, ValidationResult } from "./validate/result.ts";
export { validate, type ValidateOptions, type ValidationEvent } from "./validate/validate.ts";

// Load tests of an agent service.
export { serviceMatrix, serviceScenario, serviceScenarios } from "./service/service-catalogue.ts";
export { serviceLoad, type ServiceLoadParameters, serviceSource } from "./service/service-load.ts";
export type { ServiceScenario } from "./service/service-scenario.ts";
export { type TestType, testTypes } from "./service/test-types.ts";
export { isServiceDown } from "./service/validate/measure-service.ts";
export { serviceChecks } from "./service/validate/checks.ts";
export type { ServiceCheck } from "./service/validate/check.ts";
export type { ServiceUnderTest } from "./service/validate/subject.ts";
