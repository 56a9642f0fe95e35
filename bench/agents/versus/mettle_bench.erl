%% The lines of bench/agents/versus in Erlang/OTP, written as one would for speed: plain processes, one ETS table, pg for
%% groups. One JSON line a round. Costs are CPU time of the whole virtual machine, responses are wall time.
%% Run: erlc mettle_bench.erl && erl +S 1 -noshell -s mettle_bench main costs ROUNDS
-module(mettle_bench).
-export([main/1, loop/1, subscriber/1, voter/0]).

-define(CREATED, 100000).
-define(ASKS, 100000).
-define(SENDS, 1000000).
-define(BURST, 8000).
-define(LOOKUPS, 500000).
-define(REGISTERED, 100000).
-define(PUBLISHED, 200).

main([What, Rounds]) ->
    Round =
        case What of
            costs -> costs();
            events -> fun events/0;
            neighbours -> fun neighbours/0
        end,
    [io:format("~s~n", [json(Round())]) || _ <- lists:seq(1, list_to_integer(atom_to_list(Rounds)))],
    halt(0).

json(Values) -> ["{", lists:join(",", [io_lib:format("\"~s\":~.3f", [Name, float(V)]) || {Name, V} <- Values]), "}"].

%% CPU nanoseconds per unit of what Work does.
cpu(Count, Work) ->
    {Before, _} = statistics(runtime),
    _ = Work(),
    {After, _} = statistics(runtime),
    (After - Before) * 1.0e6 / Count.

costs() ->
    {ok, _} = pg:start(bench),
    Keys = register_all(),
    Subscribers = atomics:new(1, []),
    [pg:join(bench, created, spawn(?MODULE, subscriber, [Subscribers])) || _ <- lists:seq(1, 1000)],
    Voters = [spawn(?MODULE, voter, []) || _ <- lists:seq(1, 10000)],
    Thousand = lists:sublist(Voters, 1000),
    fun() ->
        {Create, Bytes} = create(),
        Pid = spawn(?MODULE, loop, [#{total => 0}]),
        Ask = cpu(?ASKS, fun() -> asks(Pid, ?ASKS) end),
        Send = cpu(?SENDS, fun() -> bursts(Pid, ?SENDS div ?BURST) end) * ?SENDS / (?SENDS div ?BURST * ?BURST),
        exit(Pid, kill),
        Lookup = cpu(?LOOKUPS, fun() -> lookups(Keys, ?LOOKUPS) end),
        Publish = cpu(?PUBLISHED, fun() -> publishes(Subscribers, ?PUBLISHED) end),
        Vote = cpu(500, fun() -> [propose(Thousand) || _ <- lists:seq(1, 500)] end),
        Votes = cpu(50, fun() -> [propose(Voters) || _ <- lists:seq(1, 50)] end),
        [{create, Create}, {idle, Bytes}, {ask, Ask}, {send, Send}, {lookup, Lookup}, {publish, Publish},
         {propose1000, Vote}, {propose10000, Votes}]
    end.

create() ->
    erlang:garbage_collect(),
    Before = erlang:memory(processes),
    Self = self(),
    Ns = cpu(?CREATED, fun() -> Self ! {made, [spawn(?MODULE, loop, [#{total => 0}]) || _ <- lists:seq(1, ?CREATED)]} end),
    Pids = receive {made, All} -> All end,
    Bytes = (erlang:memory(processes) - Before) / ?CREATED,
    [exit(P, kill) || P <- Pids],
    {Ns, Bytes}.

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

bursts(_, 0) -> ok;
bursts(Pid, N) -> sends(Pid, ?BURST), _ = ask(Pid, total), bursts(Pid, N - 1).

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

%% Keys of their own, as from a message.
register_all() ->
    ets:new(agents, [named_table, public, {read_concurrency, true}]),
    [ets:insert(agents, {{<<"production">>, name(I)}, self(), #{type => coder}}) || I <- lists:seq(1, ?REGISTERED)],
    rand:seed(exsss, 1),
    list_to_tuple([{<<"production">>, name(rand:uniform(?REGISTERED))} || _ <- lists:seq(1, 65536)]).

name(I) -> iolist_to_binary(["agent-", integer_to_list(I)]).

lookups(_, 0) -> ok;
lookups(Keys, N) ->
    [{_, _, _}] = ets:lookup(agents, element((N band 65535) + 1, Keys)),
    lookups(Keys, N - 1).

publishes(_, 0) -> ok;
publishes(Received, N) ->
    atomics:put(Received, 1, 0),
    Event = {event, self(), #{type => <<"orders.invoice.created">>, data => N}},
    [P ! Event || P <- pg:get_members(bench, created)],
    receive all_have_it -> ok end,
    publishes(Received, N - 1).

subscriber(Received) ->
    receive {event, From, _} ->
        case atomics:add_get(Received, 1, 1) of
            1000 -> From ! all_have_it;
            _ -> ok
        end
    end,
    subscriber(Received).

propose(Voters) ->
    Ref = make_ref(),
    Timer = erlang:start_timer(5000, self(), Ref),
    Proposal = {propose, self(), Ref, scale},
    [V ! Proposal || V <- Voters],
    Count = length(Voters),
    Count = collect(Ref, Timer, Count, 0),
    erlang:cancel_timer(Timer).

collect(_, _, 0, Sum) -> Sum;
collect(Ref, Timer, Left, Sum) ->
    receive
        {vote, Ref, Choice} -> collect(Ref, Timer, Left - 1, Sum + Choice);
        {timeout, Timer, Ref} -> Sum
    end.

voter() ->
    receive {propose, From, Ref, _} -> From ! {vote, Ref, 1} end,
    voter().

%% 10 000 events a second to 10 subscribers: from when each was due until each has it, for three seconds.
events() ->
    Self = self(),
    Subscribers = [spawn(fun() -> latencies(Self, []) end) || _ <- lists:seq(1, 10)],
    emit(erlang:monotonic_time(nanosecond), 0, 30000, Subscribers),
    [S ! {finish, Self} || S <- Subscribers],
    All = lists:append([receive {latencies, L} -> L end || _ <- Subscribers]),
    [{events, percentile(All, 0.99)}].

emit(_, Count, Count, _) -> ok;
emit(Start, N, Count, Subscribers) ->
    Due = Start + N * 100000,
    case erlang:monotonic_time(nanosecond) >= Due of
        true -> [S ! {event, Due} || S <- Subscribers], emit(Start, N + 1, Count, Subscribers);
        false -> erlang:yield(), emit(Start, N, Count, Subscribers)
    end.

latencies(Parent, Taken) ->
    receive
        {event, Due} -> latencies(Parent, [erlang:monotonic_time(nanosecond) - Due | Taken]);
        {finish, Parent} -> Parent ! {latencies, Taken}
    end.

%% 1 000 requests a second to 100 processes while another one computes 20 ms of every 40, for five seconds.
neighbours() ->
    Greedy = spawn(fun greedy/0),
    timer:send_interval(40, Greedy, compute),
    Modest = list_to_tuple([spawn(?MODULE, loop, [#{total => 0}]) || _ <- lists:seq(1, 100)]),
    Taken = request(erlang:monotonic_time(nanosecond), 0, 5000, 0, Modest, #{}, []),
    exit(Greedy, kill),
    [{neighbour, percentile(Taken, 0.99)}].

greedy() -> receive compute -> spin(erlang:monotonic_time(microsecond) + 20000) end, greedy().

spin(Until) -> case erlang:monotonic_time(microsecond) < Until of true -> spin(Until); false -> ok end.

request(_, Count, Count, Count, _, _, Taken) -> Taken;
request(Start, Sent, Count, Got, Modest, Open, Taken) ->
    Due = Start + Sent * 1000000,
    case Sent < Count andalso erlang:monotonic_time(nanosecond) >= Due of
        true ->
            Ref = make_ref(),
            element(Sent rem 100 + 1, Modest) ! {ask, self(), Ref, {add, 1}},
            request(Start, Sent + 1, Count, Got, Modest, Open#{Ref => Due}, Taken);
        false ->
            receive
                {Ref, _} ->
                    {WasDue, Left} = maps:take(Ref, Open),
                    Took = erlang:monotonic_time(nanosecond) - WasDue,
                    request(Start, Sent, Count, Got + 1, Modest, Left, [Took | Taken])
            after 0 -> erlang:yield(), request(Start, Sent, Count, Got, Modest, Open, Taken)
            end
    end.

percentile(Values, Q) ->
    Sorted = lists:sort(Values),
    lists:nth(max(1, ceil(length(Sorted) * Q)), Sorted).
