%% The catalogue's agents in Erlang/OTP, driven over file descriptors 3 and 4: frames of four bytes' length. A request is
%% "ID VERB ARGUMENTS", its answer "ID ok VALUE" or "ID error REASON"; news come as "* down REF REASON" and
%% "* signal REF TYPE DATA".
-module(mettle_platform).
-export([main/0, agent/2, subscriber/2]).

main() ->
    pg:start_link(),
    Port = open_port({fd, 3, 4}, [binary, {packet, 4}, eof]),
    put(port, Port),
    serve(Port, #{}, 0).

serve(Port, Agents, Last) ->
    receive
        {Port, {data, Frame}} ->
            [Id, Verb | Rest] = binary:split(Frame, <<" ">>, [global]),
            {Agents1, Last1} = handle(Port, Id, Verb, Rest, Agents, Last),
            serve(Port, Agents1, Last1);
        {Port, eof} -> halt(0);
        {say, Frame} -> port_command(Port, Frame), serve(Port, Agents, Last)
    end.

answer(Port, Id, Value) -> port_command(Port, [Id, <<" ok ">>, Value]).
refuse(Port, Id, Reason) -> port_command(Port, [Id, <<" error ">>, Reason]).

handle(Port, Id, <<"spawn">>, [Mortal], Agents, Last) ->
    Number = integer_to_binary(Last + 1),
    Pid = spawn(?MODULE, agent, [0, Mortal =:= <<"stop">>]),
    answer(Port, Id, Number),
    {Agents#{Number => Pid}, Last + 1};
handle(Port, Id, <<"stop">>, [Agent], Agents, Last) ->
    case Agents of
        #{Agent := Pid} ->
            Ref = erlang:monitor(process, Pid),
            exit(Pid, shutdown),
            receive {'DOWN', Ref, process, Pid, _} -> ok end;
        _ -> ok
    end,
    answer(Port, Id, <<>>),
    {maps:remove(Agent, Agents), Last};
handle(Port, Id, <<"send">>, [Agent, Type, Data], Agents, Last) ->
    case alive(Agent, Agents) of
        false -> refuse(Port, Id, <<"stopped">>);
        Pid -> Pid ! {Type, Data}, answer(Port, Id, <<>>)
    end,
    {Agents, Last};
handle(Port, Id, <<"ask">>, [Agent, Timeout, Type, Data], Agents, Last) ->
    Server = self(),
    case alive(Agent, Agents) of
        false -> refuse(Port, Id, <<"stopped">>);
        Pid ->
            %% A process of its own waits, so that a slow answer holds nobody up.
            spawn(fun() ->
                Server ! {say, case ask(Pid, {Type, Data}, binary_to_integer(Timeout)) of
                    {ok, Value} -> [Id, <<" ok ">>, Value];
                    {error, Reason} -> [Id, <<" error ">>, Reason]
                end}
            end)
    end,
    {Agents, Last};
handle(_Port, Id, <<"monitor">>, [Agent], Agents, Last) ->
    Server = self(),
    #{Agent := Pid} = Agents,
    spawn(fun() ->
        Ref = erlang:monitor(process, Pid),
        answer_from(Server, Id),
        receive {'DOWN', Ref, process, Pid, Reason} ->
            Server ! {say, [<<"* down ">>, Id, <<" ">>, io_lib:format("~0p", [Reason])]}
        end
    end),
    {Agents, Last};
handle(Port, Id, <<"subscribe">>, [Type], Agents, Last) ->
    Pid = spawn(?MODULE, subscriber, [self(), Id]),
    ok = pg:join({signal, Type}, Pid),
    answer(Port, Id, <<>>),
    {Agents#{{subscriber, Id} => {Type, Pid}}, Last};
handle(Port, Id, <<"unsubscribe">>, [Subscriber], Agents, Last) ->
    {{Type, Pid}, Agents1} = maps:take({subscriber, Subscriber}, Agents),
    pg:leave({signal, Type}, Pid),
    exit(Pid, shutdown),
    answer(Port, Id, <<>>),
    {Agents1, Last};
handle(Port, Id, <<"publish">>, [Type, Data], Agents, Last) ->
    [Pid ! {signal, Type, Data} || Pid <- pg:get_members({signal, Type})],
    answer(Port, Id, <<>>),
    {Agents, Last};
handle(_Port, Id, <<"delivered">>, [], Agents, Last) ->
    Subscribers = [Pid || {_, Pid} <- [Value || {{subscriber, _}, Value} <- maps:to_list(Agents)]],
    [begin Ref = make_ref(), Pid ! {sync, self(), Ref}, receive {Ref, done} -> ok end end || Pid <- Subscribers],
    %% What the subscribers said before is in the mailbox: it goes out before the answer does.
    self() ! {say, [Id, <<" ok ">>]},
    {Agents, Last};
handle(_Port, Id, <<"propose">>, [Timeout | Members], Agents, Last) ->
    Pids = [maps:get(Member, Agents) || Member <- Members],
    Server = self(),
    spawn(fun() ->
        Votes = propose(Pids, binary_to_integer(Timeout)),
        Server ! {say, [Id, <<" ok ">>, integer_to_binary(Votes)]}
    end),
    {Agents, Last};
handle(Port, Id, <<"memory">>, [], Agents, Last) ->
    [erlang:garbage_collect(Pid) || Pid <- processes()],
    answer(Port, Id, integer_to_binary(erlang:memory(total))),
    {Agents, Last};
handle(_Port, Id, <<"time">>, [Operation, Size, Count, Samples], Agents, Last) ->
    Server = self(),
    spawn(fun() ->
        Times = mettle_times:times(Operation, binary_to_integer(Size), binary_to_integer(Count), binary_to_integer(Samples)),
        Text = lists:join(<<",">>, [float_to_binary(T, [{decimals, 1}]) || T <- Times]),
        Server ! {say, [Id, <<" ok [">>, Text, <<"]">>]}
    end),
    {Agents, Last};
handle(Port, Id, <<"version">>, [], Agents, Last) ->
    answer(Port, Id, list_to_binary(erlang:system_info(otp_release))),
    {Agents, Last};
handle(Port, Id, _, _, Agents, Last) ->
    refuse(Port, Id, <<"unknown">>),
    {Agents, Last}.

answer_from(Server, Id) -> Server ! {say, [Id, <<" ok ">>]}.

alive(Agent, Agents) ->
    case Agents of
        #{Agent := Pid} -> case is_process_alive(Pid) of true -> Pid; false -> false end;
        _ -> false
    end.

%% A request as gen_server:call makes it: a monitor as its reference, and a deadline.
ask(Pid, Request, Timeout) ->
    Ref = erlang:monitor(process, Pid),
    Pid ! {ask, self(), Ref, Request},
    receive
        {Ref, Reply} -> erlang:demonitor(Ref, [flush]), Reply;
        {'DOWN', Ref, process, Pid, _} -> {error, <<"stopped">>}
    after Timeout -> erlang:demonitor(Ref, [flush]), {error, <<"timeout">>}
    end.

%% Asks all, then collects; what has not voted at the deadline does not count.
propose(Pids, Timeout) ->
    Ref = make_ref(),
    Timer = erlang:send_after(Timeout, self(), {Ref, timeout}),
    [Pid ! {ask, self(), Ref, {<<"total">>, <<>>}} || Pid <- Pids],
    Votes = collect(Ref, length(Pids), 0),
    erlang:cancel_timer(Timer),
    Votes.

collect(_, 0, Votes) -> Votes;
collect(Ref, Left, Votes) ->
    receive
        {Ref, timeout} -> Votes;
        {Ref, {ok, _}} -> collect(Ref, Left - 1, Votes + 1)
    end.

agent(Total, Mortal) ->
    receive
        {ask, From, Ref, {<<"fail">>, _}} ->
            From ! {Ref, {error, <<"failed">>}},
            case Mortal of true -> exit(asked_to_fail); false -> agent(Total, Mortal) end;
        {ask, _, _, {<<"silent">>, _}} -> agent(Total, Mortal);
        {ask, From, Ref, {Type, Data}} ->
            {Value, Total1} = act(Type, Data, Total),
            From ! {Ref, {ok, Value}},
            agent(Total1, Mortal);
        {<<"fail">>, _} when Mortal -> exit(asked_to_fail);
        {<<"note">>, Data} -> agent(Total + binary_to_integer(Data), Mortal);
        {Type, Data} -> {_, Total1} = act(Type, Data, Total), agent(Total1, Mortal)
    end.

act(<<"note">>, Data, Total) -> {<<"null">>, Total + binary_to_integer(Data)};
act(<<"add">>, Data, Total) -> Sum = Total + binary_to_integer(Data), {integer_to_binary(Sum), Sum};
act(<<"total">>, _, Total) -> {integer_to_binary(Total), Total};
act(<<"echo">>, Data, Total) -> {Data, Total};
act(<<"compute">>, Data, Total) -> {integer_to_binary(rounds(binary_to_integer(Data), 12345)), Total};
act(_, _, Total) -> {<<"null">>, Total}.

%% The same integer work as on the other platforms: 32 bits, signed.
rounds(0, Value) -> case Value band 16#80000000 of 0 -> Value; _ -> Value - 16#100000000 end;
rounds(Left, Value) -> rounds(Left - 1, (Value * 1103515245 + 12345) band 16#FFFFFFFF).

subscriber(Server, Id) ->
    receive
        {signal, Type, Data} ->
            Server ! {say, [<<"* signal ">>, Id, <<" ">>, Type, <<" ">>, Data]},
            subscriber(Server, Id);
        {sync, From, Ref} -> From ! {Ref, done}, subscriber(Server, Id)
    end.
