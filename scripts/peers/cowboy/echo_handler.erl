%% Sends every message back.
-module(echo_handler).
-behaviour(cowboy_websocket).
-export([init/2, websocket_init/1, websocket_handle/2, websocket_info/2]).

init(Req, #{websocket := Options, hibernate := Hibernate}) ->
    {cowboy_websocket, Req, Hibernate, Options}.

websocket_init(Hibernate) -> wait([], Hibernate).

websocket_handle({text, _} = Message, Hibernate) -> wait([Message], Hibernate);
websocket_handle({binary, _} = Message, Hibernate) -> wait([Message], Hibernate);
websocket_handle(_, Hibernate) -> wait([], Hibernate). % pings and pongs are Cowboy's

websocket_info(_, Hibernate) -> wait([], Hibernate).

wait(Frames, true) -> {Frames, true, hibernate};
wait(Frames, false) -> {Frames, false}.
