%% A connection of the rooms.
-module(socket_handler).
-behaviour(cowboy_websocket).
-export([init/2, websocket_init/1, websocket_handle/2, websocket_info/2]).
-include("message.hrl").

-record(member, {room, monitor, id, join_ref, ack}).
-record(state, {version, hibernate, prefix, joined = #{}}). % joined: a member for each topic

init(Req, #{websocket := Options, hibernate := Hibernate, prefix := Prefix} = Handler) ->
    case message:version(proplists:get_value(<<"vsn">>, cowboy_req:parse_qs(Req))) of
        {ok, Version} -> {cowboy_websocket, Req, #state{version = Version, hibernate = Hibernate, prefix = Prefix}, Options};
        error -> {ok, cowboy_req:reply(400, #{}, <<"vsn is neither 1.0.0 nor 2.0.0\n">>, Req), Handler}
    end.

websocket_init(S) -> wait([], S).

websocket_handle({Type, Data}, S) when Type =:= text; Type =:= binary ->
    case message:decode(S#state.version, Type, Data) of
        {ok, Message} ->
            {Frames, New} = serve(Message, S),
            wait(Frames, New);
        error -> wait([{close, 1007, <<"not a message of Phoenix Channels">>}], S)
    end;
websocket_handle(_, S) -> wait([], S).

%% What rooms and other connections have for the client comes as encoded frames.
websocket_info({frame, Frame}, S) -> wait([Frame], S);
websocket_info({'DOWN', Monitor, process, _, _}, S) ->
    wait([error_frame(Topic, Member, S) || {Topic, #member{monitor = M} = Member} <- maps:to_list(S#state.joined), M =:= Monitor],
        S#state{joined = maps:filter(fun(_, #member{monitor = M}) -> M =/= Monitor end, S#state.joined)});
websocket_info(_, S) -> wait([], S).

wait(Frames, #state{hibernate = true} = S) -> {Frames, S, hibernate};
wait(Frames, S) -> {Frames, S}.

%% serve takes a message, and returns what the client gets for it.
serve(#message{topic = <<"phoenix">>, event = <<"heartbeat">>} = M, S) -> {[reply(M, ok, {[]}, S)], S};
serve(#message{event = <<"phx_join">>, topic = Topic} = M, #state{prefix = Prefix} = S) ->
    case string:prefix(Topic, Prefix) of
        Name when Name =:= nomatch; Name =:= <<>> -> {[unmatched(M, S)], S};
        _ -> join(M, S)
    end;
serve(#message{topic = Topic, event = Event, join_ref = Ref} = M, S) ->
    case S#state.joined of
        #{Topic := #member{join_ref = Own}} when Own =/= Ref, Own =/= null, Ref =/= null -> {[], S}; % of an earlier join
        #{Topic := Member} when Event =:= <<"phx_leave">> -> leave(M, Member, S);
        #{Topic := Member} -> {push(M, Member, S), S};
        _ when Event =:= <<"phx_leave">> -> {[reply(M, ok, {[]}, S)], S};
        _ -> {[unmatched(M, S)], S}
    end.

%% join joins a room; one that was joined already is left.
join(#message{topic = Topic, payload = {Members}, join_ref = Ref} = M, #state{joined = Joined, version = Version} = S) ->
    Earlier = case Joined of
        #{Topic := Old} -> part(Topic, Old, S);
        _ -> []
    end,
    Is = fun(Name, Default) -> proplists:get_value(Name, Members, Default) end,
    {Room, #{id := Id, peers := Peers} = Answer} = rooms:join(Topic, #{
        version => Version, present => Is(<<"presence">>, true), everyone => Is(<<"everyone">>, false),
        entry => [Member || {Name, _} = Member <- Members, Name =:= <<"user">> orelse Name =:= <<"meta">>]
    }),
    Member = #member{room = Room, monitor = monitor(process, Room), id = Id, join_ref = Ref, ack = Is(<<"ack">>, true)},
    Welcome = reply(M, ok, {[{id, Id}, {peers, Peers} | maps:to_list(maps:with([presence], Answer))]}, S),
    State = case Answer of
        #{state := Present} -> [message:encode(Version, message:push(Topic, <<"presence_state">>, Present))];
        _ -> []
    end,
    {Earlier ++ [Welcome | State], S#state{joined = Joined#{Topic => Member}}};
join(M, S) -> {[refuse(M, <<"bad payload">>, S)], S}.

leave(#message{topic = Topic} = M, Member, S) ->
    Closed = part(Topic, Member, S),
    {[reply(M, ok, {[]}, S) | Closed], S#state{joined = maps:remove(Topic, S#state.joined)}}.

%% part leaves a room, and returns what tells the client. One that sends no join ref
%% could not tell of which join that is.
part(Topic, #member{room = Room, monitor = Monitor, join_ref = Ref}, S) ->
    demonitor(Monitor, [flush]),
    room:leave(Room),
    case Ref of
        null -> [];
        _ -> [message:encode(S#state.version, #message{join_ref = Ref, ref = Ref, topic = Topic, event = <<"phx_close">>})]
    end.

error_frame(Topic, #member{join_ref = Ref}, S) ->
    message:encode(S#state.version, #message{join_ref = Ref, ref = Ref, topic = Topic, event = <<"phx_error">>}).

%% push carries out what a peer sends into its room.
push(#message{event = <<"phx_", _/binary>>} = M, _, S) -> [refuse(M, <<"event is reserved">>, S)];
push(#message{event = <<"presence_", _/binary>>} = M, _, S) -> [refuse(M, <<"event is reserved">>, S)];
push(#message{event = Event} = M, Member, S) when Event =:= <<"offer">>; Event =:= <<"answer">>; Event =:= <<"candidate">> ->
    relay(M, Member, S);
push(#message{event = Event, payload = Payload} = M, Member, S) ->
    room:broadcast(Member#member.room, Event, from(Payload, Member)),
    done(M, Member, S).

%% relay sends a message to the one peer that it is for, straight to its process.
relay(#message{topic = Topic, event = Event, payload = {Members}} = M, Member, S) when is_list(Members) ->
    case lists:keyfind(<<"to">>, 1, Members) of
        {_, To} when is_binary(To) ->
            case rooms:find(Topic, To) of
                {ok, Pid, Version} ->
                    Pid ! {frame, message:encode(Version, message:push(Topic, Event, from(M#message.payload, Member)))},
                    done(M, Member, S);
                error -> [reply(M, error, {[{reason, <<"unknown peer">>}, {to, To}]}, S)]
            end;
        _ -> [refuse(M, <<"to is missing">>, S)]
    end;
relay(M, _, S) -> [refuse(M, <<"to is missing">>, S)].

%% from says who sent a payload, whatever it says itself.
from({Members}, #member{id = Id}) -> {lists:keystore(<<"from">>, 1, Members, {<<"from">>, Id})};
from(Payload, _) -> Payload.

done(#message{ref = null}, _, _) -> [];
done(_, #member{ack = false}, _) -> [];
done(M, _, S) -> [reply(M, ok, {[]}, S)].

%% unmatched is the connection's reply, and not that of a join.
unmatched(M, S) -> refuse(M#message{join_ref = null}, <<"unmatched topic">>, S).

refuse(M, Why, S) -> reply(M, error, {[{reason, Why}]}, S).

reply(M, Status, Response, S) -> message:reply(S#state.version, M, Status, Response).
