export type { Signal } from "./signals/signal.ts";
// The runtime
export {
  type Action,
  type ActionContext,
  type ActionMap,
  type ConcurrentOutcome,
  defineAction,
  type Outcome,
  type ReadOutcome,
} from "./agent/action.ts";
export { type AgentOptions, defineAgent, type RefOf } from "./agent/definition.ts";
export type { AgentDefinition, AnyDefinition } from "./agent/definition-types.ts";
export { type Directive, directives, type Timing } from "./agent/directive.ts";
export type { Instruction, InstructionInfo, InstructionOptions } from "./agent/instruction.ts";
export type { ActionMode, AgentStatus, AskOptions, FailurePolicy, Message, StopOptions } from "./agent/message.ts";
export { definePlugin, type Plugin } from "./agent/plugin.ts";
export type { AgentProtocol, AgentRef, AnyRef, MessageOf, ReplyOf } from "./agent/ref.ts";
export type { Sensor } from "./agent/sensor.ts";
export type { IsolatedPlacement, Placement, RestartKind, SpawnOptions } from "./agent/spawn-options.ts";
export type { StandardSchema } from "./agent/standard-schema.ts";
export type { Broadcast } from "./runtime/broadcast.ts";
export type { DeadMessage } from "./runtime/dead-message.ts";
export type { Down, DownListener } from "./runtime/down.ts";
export { type AgentErrorCode, agentErrors } from "./runtime/errors.ts";
export type { DeadLetterReason, RuntimeEvent } from "./runtime/events.ts";
export { type RuntimeOptions, runtimeDefaults, type ShardOptions } from "./runtime/options.ts";
export type { Transport } from "./runtime/ports.ts";
export {
  type CloseOptions,
  createRuntime,
  type Runtime,
  type RuntimeStats,
  type SupervisorOptions,
  type SupervisorRef,
} from "./runtime/runtime.ts";
export type { RestartLimits } from "./supervision/restart-window.ts";
export type { SupervisionStrategy } from "./supervision/supervisor.ts";
export { allSwitches, type Switches } from "./switches/switches.ts";
export { CallbackTimer, TimerWheel, WheelTimer } from "./timers/timer-wheel.ts";
export type { Timer, Timers } from "./timers/timers.ts";

// Signals, bus, registry, configuration, events, dispatch, telemetry
export { SignalBus } from "./bus/bus.ts";
export type { BusOptions, BusStatistics, SubscribeOptions } from "./bus/bus-options.ts";
export { type AnyDeadLetter, DeadLetters, type DeadLetterSelection } from "./dead-letters/dead-letters.ts";
export type { DeadSignal } from "./bus/dead-signal.ts";
export { busErrors } from "./bus/errors.ts";
export type { BusMiddleware, DispatchOutcome, SubscriptionInfo } from "./bus/middleware.ts";
export type { Attachment, Delivery, DeliveryHandler, PersistentSubscription } from "./bus/persistent.ts";
export { persistentDefaults, type PersistentOptions } from "./bus/persistent-options.ts";
export type { BusProblem } from "./bus/problems.ts";
export { type LogEntry, type LogRetention, type LogStart, logRetention } from "./bus/signal-log.ts";
export type { SignalHandler, SignalSink, Subscription } from "./bus/subscription.ts";
export { nodeTurns, type Turns } from "./bus/work-queue.ts";
export {
  type ConfigChange,
  type ConfigPath,
  ConfigStore,
  type ConfigValue,
  type Updatable,
} from "./config/config-store.ts";
export { configErrors } from "./config/errors.ts";
export type { SettingCheck, SettingValidator } from "./config/validator.ts";
export {
  busDispatch,
  consoleDispatch,
  type DispatchAdapter,
  type DispatchGuards,
  dispatchToAll,
  guarded,
  inProcessDispatch,
  isReceiverFailure,
  loggerDispatch,
  namedDispatch,
  natsDispatch,
  type NatsPort,
  noopDispatch,
  type SignalDirectory,
  type SignalLogger,
} from "./dispatch/adapter.ts";
export { type BreakerOptions, type BreakerState, CircuitBreaker } from "./dispatch/circuit-breaker.ts";
export { ConcurrencyLimit } from "./dispatch/concurrency-limit.ts";
export { dispatchErrors } from "./dispatch/errors.ts";
export { webhookDispatch, type WebhookOptions } from "./dispatch/webhook.ts";
export { verifyWebhook, WebhookSecret } from "./dispatch/webhook-signature.ts";
export { eventErrors } from "./events/errors.ts";
export {
  type EventQuery,
  EventStore,
  type EventStoreOptions,
  type NewEvent,
  type StoredEvent,
} from "./events/event-store.ts";
export type { AgentEntry, AgentHealth, AgentMetadata, AgentMetadataChange, Registration } from "./registry/entry.ts";
export { registryErrors } from "./registry/errors.ts";
export type { AgentQuery, DiscoverOptions } from "./registry/query.ts";
export { AgentRegistry, type RegistryChange, type RegistryOptions } from "./registry/registry.ts";
export {
  type CloudEvent,
  cloudEventProblems,
  fromCloudEvent,
  type SignalIds,
  toCloudEvent,
} from "./signals/cloud-event.ts";
export {
  type CloudEventMessage,
  fromHttp,
  type MessageHeaders,
  toBinary,
  toStructured,
} from "./signals/cloud-event-http.ts";
export { CloudEventIds, seededCloudEventIds } from "./signals/cloud-event-id.ts";
export { signalErrors } from "./signals/errors.ts";
export { type Route, type RouteOptions, SignalRouter } from "./signals/router.ts";
export { type JsonLimits, jsonLimits } from "./signals/safe-json.ts";
export { type SignalAttributes, SignalFactory } from "./signals/signal-factory.ts";
export { checkSignalType, isSignalType } from "./signals/signal-type.ts";
export { observeBus } from "./telemetry/bus-telemetry.ts";
export { telemetryErrors } from "./telemetry/errors.ts";
export {
  type Attributes,
  type Counter,
  type Gauge,
  type HistogramInstrument,
  type Instrument,
  type InstrumentKind,
  type InstrumentOptions,
  type MeasurementHandler,
} from "./telemetry/instruments.ts";
export {
  type Distribution,
  type MetricSnapshot,
  MetricsCollector,
  type SeriesSnapshot,
} from "./telemetry/metrics-collector.ts";
export {
  openTelemetryName,
  type TelemetryResource,
  toOtlpMetrics,
  toOtlpTraces,
} from "./telemetry/open-telemetry.ts";
export {
  type FinishedSpan,
  formatTraceparent,
  parseTraceparent,
  type Span,
  type SpanHandler,
  type SpanStatus,
  type TraceContext,
} from "./telemetry/spans.ts";
export { type SpanOptions, Telemetry, type TelemetryHandler } from "./telemetry/telemetry.ts";

// Coordination, economy, variables, pools, batching, caches.
export { type BallotMessage, ballotsTo } from "./coordination/agent-ballots.ts";
export {
  type Ask,
  type Ballot,
  type CoordinationEvent,
  type CoordinationStatistics,
  Coordinator,
  type CoordinatorOptions,
  type OpenProposal,
  type ProposeOptions,
} from "./coordination/coordinator.ts";
export { type CoordinationErrorCode, coordinationErrors } from "./coordination/errors.ts";
export {
  HierarchyMember,
  type HierarchyMemberOptions,
  type HierarchyMessage,
  type HierarchyProposal,
  type Tally,
} from "./coordination/hierarchical-consensus.ts";
export { type Cluster, formHierarchy, type Hierarchy, type HierarchyOptions } from "./coordination/hierarchy.ts";
export {
  type Agreement,
  agreeByKey,
  agreeWithin,
  iterativeConsensus,
  type IterativeOptions,
  type IterativeOutcome,
  type Position,
  type Round,
} from "./coordination/iterative.ts";
export { type JoinableNetwork, LocalNetwork, type Network, type Receive } from "./coordination/network.ts";
export {
  ed25519Signer,
  ed25519Verifier,
  processNotary,
  type Seal,
  type Signer,
  type Verifier,
} from "./coordination/notary.ts";
export { PbftMember, type PbftOptions } from "./coordination/pbft.ts";
export {
  type Certificate,
  type Endorsement,
  faultsTolerated,
  type PbftMessage,
  quorumOf,
  type ViewChange,
} from "./coordination/pbft-messages.ts";
export {
  chooseProtocol,
  type FaultAssumption,
  type GroupDescription,
  type Protocol,
  type ProtocolChoice,
} from "./coordination/protocol-choice.ts";
export { Relay, type RelayMessage, type RelayOptions, type RelayOutcome } from "./coordination/relay.ts";
export { flatTree, karyTree, levelTree, type RelayTree } from "./coordination/relay-tree.ts";
export {
  linkDefaults,
  type LinkOptions,
  type NetworkCounts,
  SimulatedNetwork,
  SimulatedTime,
} from "./coordination/simulation.ts";
export {
  type DecisionRule,
  simpleMajority,
  unanimity,
  VoteCollector,
  type VoteCollectorOptions,
  type VoteCount,
  type VoteOutcome,
  type VoteReceipt,
  weightedMajority,
} from "./coordination/vote-collector.ts";
export {
  type Allocation,
  allocateResources,
  computeOptimalAllocation,
  fairAllocation,
  type GatheredAllocation,
  type GatherOptions,
  type ResourceRequest,
} from "./economy/allocation.ts";
export { type AccountState, Budgets, type Reservation } from "./economy/budgets.ts";
export { type Clearing, clearMarket, type Fill, type Order } from "./economy/clearing.ts";
export {
  type BundleBid,
  type CombinatorialOptions,
  type CombinatorialOutcome,
  determineWinners,
  vcgAuction,
  type VcgOutcome,
} from "./economy/combinatorial.ts";
export { type EconomyErrorCode, economyErrors } from "./economy/errors.ts";
export {
  DutchAuction,
  type DutchAuctionOptions,
  EnglishAuction,
  type EnglishAuctionOptions,
  runEnglishAuction,
} from "./economy/open-auctions.ts";
export { type Reputation, ReputationBook, type ReputationOptions } from "./economy/reputation.ts";
export {
  type AuctionOutcome,
  type Bid,
  sealedBidAuction,
  type SealedBidOptions,
  vickreyAuction,
} from "./economy/sealed-bid.ts";
export { assign } from "./variables/assignment.ts";
export { type Bandit, ChoiceKind, type ChoiceOptions, type ChoiceStatistics, electChoice } from "./variables/choice.ts";
export { type VariableErrorCode, variableErrors } from "./variables/errors.ts";
export { FloatKind, type FloatOptions } from "./variables/float.ts";
export type { HistoryEntry } from "./variables/history.ts";
export type { CustomStrategy, Feedback, Strategy, VariableKind } from "./variables/kind.ts";
export type {
  Adaptation,
  ChangeOutcome,
  CommittedBy,
  SettledChange,
  Suggestion,
  SuggestionAnswer,
  VariableSignalIn,
  VariableSignalOut,
  Versioned,
} from "./variables/signals.ts";
export {
  type Team,
  type TeamAim,
  type TeamCandidate,
  TeamKind,
  type TeamMember,
  type TeamOptions,
  type TeamRole,
} from "./variables/team.ts";
export { Variable, type VariableLock } from "./variables/variable.ts";
export {
  type ChangeRequest,
  spawnVariable,
  type VariableAgentOptions,
  type VariableProtocol,
} from "./variables/variable-agent.ts";
export {
  type AnyVariable,
  type AppliedUpdate,
  type Assignment,
  type BatchOutcome,
  type Constraint,
  type Dependency,
  type GlobalOptimization,
  type OptimizationOutcome,
  type Update,
  type UpdateConflict,
  VariableCoordinator,
  type VariableCoordinatorOptions,
} from "./variables/variable-coordinator.ts";
export type {
  SyncMode,
  VariableEnvironment,
  VariableOptions,
  VariableScope,
} from "./variables/variable-options.ts";
export {
  type UpdateBatch,
  UpdateBroadcast,
  type UpdateBroadcastOptions,
  type UpdateBroadcastOutcome,
  type VariableUpdated,
} from "./variables/update-broadcast.ts";
export {
  adaptiveBatchSize,
  Batcher,
  type BatcherOptions,
  type BatcherStatistics,
  type ItemResult,
} from "./batching/batcher.ts";
export { BoundedCache, type CacheOptions, type CacheStatistics, type Hit } from "./caches/bounded-cache.ts";
export {
  cacheDefaults,
  type CacheName,
  cacheStatistics,
  createCaches,
  type RuntimeCaches,
} from "./caches/runtime-caches.ts";
export { AgentPool, type AgentPoolOptions, type AgentPoolStatistics } from "./pools/agent-pool.ts";
export {
  ConnectionPool,
  type ConnectionPoolOptions,
  type ConnectionPoolStatistics,
  type Lease,
} from "./pools/connection-pool.ts";
export { type PoolErrorCode, poolErrors } from "./pools/errors.ts";
export {
  ObjectPool,
  type ObjectPoolOptions,
  type ObjectPoolStatistics,
  type Poolable,
  poolCapacities,
} from "./pools/object-pool.ts";
export {
  TaskPool,
  type TaskPoolCloseOptions,
  type TaskPoolOptions,
  type TaskPoolStatistics,
} from "./pools/task-pool.ts";
