%% What bench/agents/runtime.ts measures, in Erlang/OTP: one scheduler, one JSON line a run.
%% Run: erlc mettle_bench.erl && erl +S 1 -noshell -s mettle_bench main
-module(mettle_bench).
-export([main/0, loop/1]).

-define(CREATED, 100000).
-define(ASKS, 300000).
-define(SENDS, 2000000).

main() ->
    _ = [measure() || _ <- lists:seq(1, 2)],
    Runs = [measure() || _ <- lists:seq(1, 5)],
    [io:format("{\"createNs\":~.1f,\"idleBytes\":~.1f,\"askNs\":~.1f,\"sendNs\":~.1f}~n", [C, B, A, S]) || {C, B, A, S} <- Runs],
    halt(0).

measure() ->
    erlang:garbage_collect(),
    Before = erlang:memory(processes),
    {CreateUs, Pids} = timer:tc(fun() -> [spawn(?MODULE, loop, [#{total => 0}]) || _ <- lists:seq(1, ?CREATED)] end),
    Bytes = (erlang:memory(processes) - Before) / ?CREATED,
    [exit(P, kill) || P <- Pids],
    Pid = spawn(?MODULE, loop, [#{total => 0}]),
    {AskUs, ok} = timer:tc(fun() -> asks(Pid, ?ASKS) end),
    {SendUs, _} = timer:tc(fun() -> sends(Pid, ?SENDS), ask(Pid, total) end),
    exit(Pid, kill),
    {CreateUs * 1000 / ?CREATED, Bytes, AskUs * 1000 / ?ASKS, SendUs * 1000 / ?SENDS}.

asks(_, 0) -> ok;
asks(Pid, N) -> _ = ask(Pid, {add, 1}), asks(Pid, N - 1).

%% A request as gen_server:call makes it: a monitor as its reference, and a deadline.
ask(Pid, Request) ->
    Ref = erlang:monitor(process, Pid),
    Pid ! {ask, self(), Ref, Request},
    receive
        {Ref, Reply} -> erlang:demonitor(Ref, [flush]), Reply;
        {'DOWN', Ref, process, Pid, Reason} -> exit(Reason)
    after 5000 -> erlang:demonitor(Ref, [flush]), exit(timeout)
    end.

sends(_, 0) -> ok;
sends(Pid, N) -> Pid ! {add, 1}, sends(Pid, N - 1).

loop(State) ->
    receive
        {ask, From, Ref, total} -> From ! {Ref, maps:get(total, State)}, loop(State);
        {ask, From, Ref, {add, By}} ->
            Total = maps:get(total, State) + By,
            From ! {Ref, Total},
            loop(State#{total := Total});
        {add, By} -> loop(State#{total := maps:get(total, State) + By})
    end.
