%% The wire: Phoenix Channels, both versions of its serializer, over jiffy.
-module(message).
-export([version/1, decode/3, encode/2, reply/4, push/3]).
-include("message.hrl").

%% A binary message has one byte for the length of each.
-define(NAMES(Topic, Event), is_binary(Topic), byte_size(Topic) < 256, is_binary(Event), byte_size(Event) < 256).

%% version is that of a client which asks for vsn=..., by default the first.
version(undefined) -> {ok, 1};
version(<<"1.", _/binary>>) -> {ok, 1};
version(<<"2.", _/binary>>) -> {ok, 2};
version(_) -> error.

%% decode reads a message that a client sent.
decode(2, binary, <<0, J, R, T, E, JoinRef:J/binary, Ref:R/binary, Topic:T/binary, Event:E/binary, Payload/binary>>) ->
    {ok, #message{join_ref = ref(JoinRef), ref = ref(Ref), topic = Topic, event = Event, payload = {binary, Payload}}};
decode(_, binary, _) ->
    error;
decode(Version, text, Data) ->
    try {Version, jiffy:decode(Data)} of
        {2, [JoinRef, Ref, Topic, Event, Payload | _]} when ?NAMES(Topic, Event) ->
            {ok, #message{join_ref = JoinRef, ref = Ref, topic = Topic, event = Event, payload = Payload}};
        {1, {Members}} ->
            case {lists:keyfind(<<"topic">>, 1, Members), lists:keyfind(<<"event">>, 1, Members)} of
                {{_, Topic}, {_, Event}} when ?NAMES(Topic, Event) ->
                    {ok, #message{
                        join_ref = proplists:get_value(<<"join_ref">>, Members, null), ref = proplists:get_value(<<"ref">>, Members, null),
                        topic = Topic, event = Event, payload = proplists:get_value(<<"payload">>, Members, {[]})
                    }};
                _ -> error
            end;
        _ -> error
    catch
        _:_ -> error
    end.

ref(<<>>) -> null;
ref(Ref) -> Ref.

%% encode writes a message as a frame for a client of that version. One with a binary
%% payload is for clients of version 2 alone.
encode(2, #message{topic = T, event = E, payload = {binary, P}}) ->
    {binary, <<2, (byte_size(T)), (byte_size(E)), T/binary, E/binary, P/binary>>};
encode(2, #message{join_ref = J, ref = R, topic = T, event = E, payload = P}) ->
    {text, iolist_to_binary(jiffy:encode([J, R, T, E, P]))};
encode(1, #message{join_ref = J, ref = R, topic = T, event = E, payload = P}) ->
    JoinRef = [{join_ref, J} || J =/= null],
    {text, iolist_to_binary(jiffy:encode({[{topic, T}, {event, E}, {payload, P}, {ref, R} | JoinRef]}))}.

%% reply answers a message. In version 1 a reply has no join ref, as Phoenix's.
reply(1, #message{join_ref = J} = To, Status, Response) when J =/= null -> reply(1, To#message{join_ref = null}, Status, Response);
reply(Version, To, Status, Response) ->
    encode(Version, To#message{event = <<"phx_reply">>, payload = {[{status, Status}, {response, Response}]}}).

%% push is what the server sends by itself.
push(Topic, Event, Payload) ->
    #message{topic = Topic, event = Event, payload = Payload}.
