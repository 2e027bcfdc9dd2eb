%% A room: a process that knows its peers, tells them of each other, and sends what is
%% for all of them, so that all see it in the same order. It ends with its last peer.
-module(room).
-behaviour(gen_server).
-export([start/1, join/2, leave/1, broadcast/3]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).
-include("message.hrl").

%% How many peers others are told of, and how often at most (in ms).
-define(PRESENCE_LIMIT, 256).
-define(PRESENCE_PERIOD, 50).

-record(peer, {id, version, present, everyone, monitor, entry}).
%% present is how many take part in presence. joins and leaves are what others have not
%% been told of yet, and will be when the timer fires; it is null if there is none.
-record(state, {topic, peers = #{}, present = 0, joins = [], leaves = [], timer = null}).

start(Topic) -> gen_server:start(?MODULE, Topic, []).

%% join makes the calling process a peer. Peer says of it what version it speaks,
%% whether it takes part in presence, whether it wants its own broadcasts, and what
%% others are told of it.
join(Room, Peer) -> gen_server:call(Room, {join, Peer}, infinity).

%% leave is the end of that.
leave(Room) -> gen_server:call(Room, leave, infinity).

%% broadcast sends an event of the calling process to all others.
broadcast(Room, Event, Payload) -> gen_server:cast(Room, {broadcast, self(), Event, Payload}).

init(Topic) -> {ok, #state{topic = Topic}}.

handle_call({join, #{version := Version, present := Wanted, everyone := Everyone, entry := Entry}}, {Pid, _}, S0) ->
    Id = id(),
    Present = Wanted andalso S0#state.present < ?PRESENCE_LIMIT,
    Peer = #peer{
        id = Id, version = Version, present = Present, everyone = Everyone, monitor = monitor(process, Pid),
        entry = {Id, {[{metas, [{[{phx_ref, Id} | Entry]}]}]}}
    },
    S1 = S0#state{peers = (S0#state.peers)#{Pid => Peer}},
    rooms:enter(S1#state.topic, Id, Pid, Version),
    Joined = #{id => Id, peers => map_size(S1#state.peers)},
    case Present of
        true ->
            S2 = S1#state{present = S1#state.present + 1},
            {reply, Joined#{state => state(S2)}, tell(S2#state{joins = [Peer#peer.entry | S2#state.joins]}, Pid)};
        false when Wanted -> {reply, Joined#{presence => false}, S1};
        false -> {reply, Joined, S1}
    end;
handle_call(leave, {Pid, _}, S) ->
    gone(Pid, S, fun(New) -> {reply, ok, New} end, fun(New) -> {stop, normal, ok, New} end).

handle_cast({broadcast, From, Event, Payload}, S) ->
    #state{peers = Peers, topic = Topic} = S,
    Receivers = case Peers of
        #{From := #peer{everyone = false}} -> maps:remove(From, Peers);
        _ -> Peers
    end,
    send(message:push(Topic, Event, Payload), maps:iterator(Receivers)),
    {noreply, S}.

handle_info({'DOWN', _, process, Pid, _}, S) ->
    gone(Pid, S, fun(New) -> {noreply, New} end, fun(New) -> {stop, normal, New} end);
handle_info(presence, S) -> {noreply, tell(S#state{timer = null}, none)}.

%% gone takes a peer out of the room, which ends if it was the last.
gone(Pid, #state{peers = Peers} = S, Stay, Stop) ->
    case maps:take(Pid, Peers) of
        error -> Stay(S);
        {#peer{id = Id, monitor = Monitor} = Peer, Rest} ->
            demonitor(Monitor, [flush]),
            rooms:leave(S#state.topic, Id),
            case map_size(Rest) of
                0 ->
                    rooms:closed(S#state.topic),
                    Stop(S#state{peers = Rest});
                _ -> Stay(absent(Peer, S#state{peers = Rest}))
            end
    end.

absent(#peer{present = false}, S) -> S;
absent(#peer{entry = Entry}, #state{joins = Joins, leaves = Leaves} = S) ->
    tell(S#state{present = S#state.present - 1, joins = lists:delete(Entry, Joins), leaves = [Entry | Leaves]}, none).

%% tell tells of what is new: at once if nothing was told for a while, and with what
%% comes until then otherwise. Except knows already.
tell(#state{joins = [], leaves = []} = S, _) -> S;
tell(#state{timer = null, topic = Topic, peers = Peers, joins = Joins, leaves = Leaves} = S, Except) ->
    Diff = message:push(Topic, <<"presence_diff">>, {[{joins, {Joins}}, {leaves, {Leaves}}]}),
    send(Diff, maps:iterator(maps:filter(fun(Pid, Peer) -> Peer#peer.present andalso Pid =/= Except end, Peers))),
    S#state{joins = [], leaves = [], timer = erlang:send_after(?PRESENCE_PERIOD, self(), presence)};
tell(S, _) -> S.

%% state is who is there.
state(#state{peers = Peers}) -> {[Entry || #peer{present = true, entry = Entry} <- maps:values(Peers)]}.

%% send gives each peer the message, encoded once for each version.
send(Message, Peers) -> send(Message, maps:next(Peers), #{}).

send(_, none, _) -> ok;
send(#message{payload = {binary, _}} = Message, {_, #peer{version = 1}, Next}, Frames) -> send(Message, maps:next(Next), Frames);
send(Message, {Pid, #peer{version = Version}, Next}, Frames) ->
    case Frames of
        #{Version := Frame} ->
            Pid ! {frame, Frame},
            send(Message, maps:next(Next), Frames);
        _ -> send(Message, {Pid, #peer{version = Version}, Next}, Frames#{Version => message:encode(Version, Message)})
    end.

%% id names a peer: eleven characters that nobody guesses.
id() -> binary:part(base64:encode(crypto:strong_rand_bytes(8)), 0, 11).
