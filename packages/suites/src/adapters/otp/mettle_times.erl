%% The core operations, timed where they run: nanoseconds per operation, one figure for each sample.
-module(mettle_times).
-export([times/4, loop/1, listen/0]).

times(Operation, Size, Count, Samples) ->
    {Body, Done} = prepare(Operation, Size, Count),
    _ = Body(), % the code is loaded, the heaps have grown
    Times = [begin
        erlang:garbage_collect(),
        Start = erlang:monotonic_time(nanosecond),
        Undo = Body(),
        Took = erlang:monotonic_time(nanosecond) - Start,
        Undo(),
        Took / Count
    end || _ <- lists:seq(1, Samples)],
    Done(),
    Times.

nothing() -> ok.

prepare(<<"create">>, _, Count) ->
    {fun() ->
        Pids = [spawn(?MODULE, loop, [#{total => 0}]) || _ <- lists:seq(1, Count)],
        fun() -> kill(Pids) end
    end, fun nothing/0};
prepare(<<"send">>, _, Count) ->
    Pid = spawn(?MODULE, loop, [#{total => 0}]),
    {fun() -> sends(Pid, Count), ask(Pid, total), fun nothing/0 end, fun() -> kill([Pid]) end};
prepare(<<"request">>, _, Count) ->
    Pid = spawn(?MODULE, loop, [#{total => 0}]),
    {fun() -> asks(Pid, Count), fun nothing/0 end, fun() -> kill([Pid]) end};
prepare(<<"lookup">>, Size, Count) ->
    Table = ets:new(lookups, [set, public, {read_concurrency, true}]),
    Names = list_to_tuple([<<"agent-", (integer_to_binary(N))/binary>> || N <- lists:seq(1, Size)]),
    [ets:insert(Table, {element(N, Names), self()}) || N <- lists:seq(1, Size)],
    {fun() -> lookups(Table, Names, Size, Count, 1), fun nothing/0 end, fun() -> ets:delete(Table) end};
prepare(<<"publish">>, Size, Count) ->
    Pids = [spawn(?MODULE, listen, []) || _ <- lists:seq(1, Size)],
    {fun() -> publish(Pids, Size, Count), fun nothing/0 end, fun() -> kill(Pids) end};
prepare(<<"propose">>, Size, Count) ->
    Pids = [spawn(?MODULE, loop, [#{total => 0}]) || _ <- lists:seq(1, Size)],
    {fun() -> proposals(Pids, Size, Count), fun nothing/0 end, fun() -> kill(Pids) end}.

kill(Pids) -> [exit(Pid, kill) || Pid <- Pids], ok.

sends(_, 0) -> ok;
sends(Pid, Left) -> Pid ! {add, 1}, sends(Pid, Left - 1).

asks(_, 0) -> ok;
asks(Pid, Left) -> _ = ask(Pid, {add, 1}), asks(Pid, Left - 1).

ask(Pid, Request) ->
    Ref = erlang:monitor(process, Pid),
    Pid ! {ask, self(), Ref, Request},
    receive
        {Ref, Reply} -> erlang:demonitor(Ref, [flush]), Reply;
        {'DOWN', Ref, process, Pid, Reason} -> exit(Reason)
    after 5000 -> erlang:demonitor(Ref, [flush]), exit(timeout)
    end.

%% A stride that shares no factor with any round number visits names far apart.
lookups(_, _, _, 0, _) -> ok;
lookups(Table, Names, Size, Left, At) ->
    [{_, _}] = ets:lookup(Table, element(At, Names)),
    lookups(Table, Names, Size, Left - 1, (At + 7918) rem Size + 1).

%% Done when the last of all has it: each tells the one who published.
publish(_, _, 0) -> ok;
publish(Pids, Size, Left) ->
    Ref = make_ref(),
    Self = self(),
    [Pid ! {signal, Self, Ref, <<"orders.eu.created">>, 1} || Pid <- Pids],
    gather(Ref, Size),
    publish(Pids, Size, Left - 1).

listen() ->
    receive {signal, From, Ref, _, _} -> From ! {Ref, done}, listen() end.

proposals(_, _, 0) -> ok;
proposals(Pids, Size, Left) ->
    Ref = make_ref(),
    Timer = erlang:send_after(5000, self(), {Ref, timeout}),
    Self = self(),
    [Pid ! {ask, Self, Ref, {add, 1}} || Pid <- Pids],
    gather(Ref, Size),
    erlang:cancel_timer(Timer),
    proposals(Pids, Size, Left - 1).

gather(_, 0) -> ok;
gather(Ref, Left) ->
    receive
        {Ref, timeout} -> exit(timeout);
        {Ref, _} -> gather(Ref, Left - 1)
    end.

loop(State) ->
    receive
        {ask, From, Ref, total} -> From ! {Ref, maps:get(total, State)}, loop(State);
        {ask, From, Ref, {add, By}} ->
            Total = maps:get(total, State) + By,
            From ! {Ref, Total},
            loop(State#{total := Total});
        {add, By} -> loop(State#{total := maps:get(total, State) + By})
    end.
