export type { Signal } from "./signals/signal.ts";

// Coordination, economy, variables, pools, batching, caches.
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
export { clockTimers, type Timer, type Timers } from "./coordination/timers.ts";
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
export { TaskPool, type TaskPoolOptions, type TaskPoolStatistics } from "./pools/task-pool.ts";
