%% A WebSocket server on Cowboy: an echo on /echo, and rooms that speak Phoenix
%% Channels on /socket/websocket.
%%
%%   erl ... -run signaling -extra --name NAME --listen HOST:PORT [--hibernate] [--topic-prefix TEXT]
%%
%% Each connection is a process, Cowboy's own; each room is one (room.erl). With
%% --hibernate a connection's process gives its memory back after each message and
%% takes it again with the next: small while idle, slower when busy. Topics of rooms begin
%% with --topic-prefix, by default room:.
-module(signaling).
-export([start/0]).

%% The limits and timeouts of the servers that it is measured beside.
-define(MAX_MESSAGE, 128 bsl 10).
-define(IDLE_TIMEOUT, 600000).
-define(BACKLOG, 4096).

start() ->
    try
        Given = lists:flatmap(fun(A) -> string:split(A, "=") end, init:get_plain_arguments()),
        #{name := Name, host := Host, port := Port, hibernate := Hibernate, prefix := Prefix} =
            arguments(Given, #{name => "cowboy", hibernate => false, prefix => "room:"}),
        {ok, _} = application:ensure_all_started(cowboy),
        {ok, _} = rooms:start_link(),
        Websocket = #{idle_timeout => ?IDLE_TIMEOUT, max_frame_size => ?MAX_MESSAGE},
        Handler = #{websocket => Websocket, hibernate => Hibernate, prefix => list_to_binary(Prefix)},
        Dispatch = cowboy_router:compile([{'_', [{"/echo", echo_handler, Handler}, {"/socket/websocket", socket_handler, Handler}]}]),
        Transport = #{
            socket_opts => [{ip, Host}, {port, Port}, {backlog, ?BACKLOG}, {nodelay, true}],
            max_connections => infinity, num_acceptors => 100
        },
        case cowboy:start_clear(signaling, Transport, #{env => #{dispatch => Dispatch}}) of
            {ok, _} -> ready(Name);
            {error, eaddrinuse} -> fail("listening: address already in use");
            {error, Why} -> fail(io_lib:format("listening: ~p", [Why]))
        end
    catch
        throw:Text -> fail(Text)
    end.

arguments(["--name", Name | Rest], A) -> arguments(Rest, A#{name => Name});
arguments(["--hibernate" | Rest], A) -> arguments(Rest, A#{hibernate => true});
arguments(["--topic-prefix", Prefix | Rest], A) -> arguments(Rest, A#{prefix => Prefix});
arguments(["--listen", Address | Rest], A) ->
    case re:run(Address, "^\\[?([^\\]]+)\\]?:([0-9]{1,5})$", [{capture, all_but_first, list}]) of
        {match, [Host, Port]} ->
            case inet:parse_address(Host) of
                {ok, Ip} -> arguments(Rest, A#{host => Ip, port => list_to_integer(Port)});
                {error, _} -> throw("--listen " ++ Address ++ ": not an IP address and a port")
            end;
        nomatch -> throw("--listen " ++ Address ++ ": not HOST:PORT")
    end;
arguments([Other | _], _) -> throw("unknown argument " ++ Other);
arguments([], #{host := _} = A) -> A;
arguments([], _) -> throw("--listen HOST:PORT is missing").

%% ready tells who listens where.
ready(Name) ->
    {Ip, Port} = ranch:get_addr(signaling),
    Host = case Ip of
        {_, _, _, _} -> inet:ntoa(Ip);
        _ -> ["[", inet:ntoa(Ip), "]"]
    end,
    io:format("{\"pid\":~s,\"engine\":\"~s\",\"listen\":[\"~s:~b\"]}~n", [os:getpid(), Name, Host, Port]).

-spec fail(iodata()) -> no_return().
fail(Text) ->
    io:format(standard_error, "cowboy: ~s~n", [Text]),
    halt(1).
