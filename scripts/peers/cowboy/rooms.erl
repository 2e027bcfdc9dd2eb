%% Which rooms there are, and who is in them: two tables that every process reads by
%% itself. Rooms are opened one after the other, here.
-module(rooms).
-behaviour(gen_server).
-export([start_link/0, join/2, closed/1, enter/4, leave/2, find/2]).
-export([init/1, handle_call/3, handle_cast/2]).

start_link() -> gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

%% join has the calling process join a room, which is opened if need be. A room that
%% closes meanwhile is one that there is no longer.
join(Topic, Peer) ->
    Room = case ets:lookup(rooms, Topic) of
        [{_, Pid}] -> Pid;
        [] -> gen_server:call(?MODULE, {open, Topic}, infinity)
    end,
    try room:join(Room, Peer) of
        Joined -> {Room, Joined}
    catch
        exit:{Gone, _} when Gone =:= noproc; Gone =:= normal -> join(Topic, Peer)
    end.

%% closed tells that the calling process is a room no longer.
closed(Topic) -> ets:delete_object(rooms, {Topic, self()}).

%% enter and leave keep the list of peers; a room calls them.
enter(Topic, Id, Pid, Version) -> ets:insert(peers, {{Topic, Id}, Pid, Version}).
leave(Topic, Id) -> ets:delete(peers, {Topic, Id}).

%% find returns the process of a peer and its version of the protocol.
find(Topic, Id) ->
    case ets:lookup(peers, {Topic, Id}) of
        [{_, Pid, Version}] -> {ok, Pid, Version};
        [] -> error
    end.

init([]) ->
    Options = [named_table, public, {read_concurrency, true}, {write_concurrency, true}],
    ets:new(rooms, Options),
    ets:new(peers, Options),
    {ok, none}.

handle_call({open, Topic}, _, State) ->
    case ets:lookup(rooms, Topic) of
        [{_, Room}] -> {reply, Room, State};
        [] ->
            {ok, Room} = room:start(Topic),
            ets:insert(rooms, {Topic, Room}),
            {reply, Room, State}
    end.

handle_cast(_, State) -> {noreply, State}.
