%% One message of Phoenix Channels. Refs are what a client sent, null if it sent none;
%% JSON is as jiffy has it, objects as {[{Name, Value}]}.
-record(message, {join_ref = null, ref = null, topic, event, payload = {[]}}).
