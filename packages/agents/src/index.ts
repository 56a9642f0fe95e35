export type { Signal } from "./signals/signal.ts";
export { CallbackTimer, TimerWheel, WheelTimer } from "./timers/timer-wheel.ts";
