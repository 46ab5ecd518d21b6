import own.CallCandidate;
import own.CallDestination;
import own.CallReason;
import own.CreateCalledRouteRequest;
import own.DestinationKind;
import own.GatewayFault;
import own.GatewayPort;
import own.GatewayPortService;
import own.MatchInteractionRequest;
import own.RequestAccessRequest;
import own.RequestAccessResponse;
import own.ResolveCallRequest;
import own.ResolveCallResponse;
import own.UserDataEntry;
import java.net.URL;
import java.util.List;
import java.util.Map;
import javax.xml.ws.BindingProvider;
import javax.xml.ws.handler.MessageContext;

/** The port of gateway.wsdl, called as a program calls it that was generated from it. */
final class OwnClient {
    private final GatewayPort port;

    OwnClient(URL wsdl, Map<String, String> headers) {
        port = new GatewayPortService(wsdl).getGatewayPortSoap11();
        Map<String, List<String>> lists = new java.util.HashMap<>();
        headers.forEach((header, value) -> lists.put(header, List.of(value)));
        ((BindingProvider) port).getRequestContext().put(MessageContext.HTTP_REQUEST_HEADERS, lists);
    }

    /** A number lent with user data, resolved and matched; a route; a fault of its own type. */
    void drive(String phone, String extension) throws GatewayFault {
        RequestAccessRequest access = new RequestAccessRequest();
        access.setGroup("java agent");
        access.setSeconds(60);
        access.setCodeLength(4);
        access.setCaller("5551");
        access.getEntry().add(entry("first name", "Ann <1> & 2"));
        access.getEntry().add(entry("language", "fr"));
        RequestAccessResponse lent = port.requestAccess(access);
        Main.equal(lent.getNumber(), phone, "own: RequestAccess lends a number");
        Main.equal(lent.getCode().length(), 4, "own: with a code of as many digits as asked for");

        ResolveCallRequest call = new ResolveCallRequest();
        call.setDialled(phone);
        call.setCaller("5551");
        call.setCode(lent.getCode());
        ResolveCallResponse seen = port.resolveCall(call);
        Main.equal(seen.getCandidate().size(), 1, "own: ResolveCall finds one candidate");
        CallCandidate candidate = seen.getCandidate().get(0);
        Main.equal(candidate.getInteraction(), lent.getInteraction(), "own: ResolveCall tells whose call it is");
        Main.equal(candidate.getReason(), CallReason.NUMBER_CODE_AND_CALLER, "own: and why");
        Main.equal(candidate.getEntry().get(0).getValue(), "Ann <1> & 2", "own: and what they said");

        CreateCalledRouteRequest route = new CreateCalledRouteRequest();
        route.setAccessCode("5550100");
        route.setExtension(extension);
        route.setKind(DestinationKind.SKILL);
        route.setId(7);
        CallDestination made = port.createCalledRoute(route).getDestination();
        Main.equal(made.getMediaType(), 5, "own: CreateCalledRoute gives the route the media type of its queue");
        call = new ResolveCallRequest();
        call.setDialled("5550100" + extension);
        CallDestination destination = port.resolveCall(call).getDestination();
        Main.equal(destination.getRoute(), made.getRoute(), "own: ResolveCall tells where a call goes");

        MatchInteractionRequest match = new MatchInteractionRequest();
        match.setNumber(phone);
        match.setCode(lent.getCode());
        String matched = port.matchInteraction(match).getMatch().get(0).getInteraction();
        Main.equal(matched, lent.getInteraction(), "own: MatchInteraction recognises the call");
        try {
            port.matchInteraction(match);
            Main.check(false, "own: a second match is a fault", "answered");
        } catch (GatewayFault fault) {
            Main.equal(fault.getFaultInfo().getReason(), "no_match", "own: a second match is a typed fault");
        }
    }

    private static UserDataEntry entry(String key, String value) {
        UserDataEntry entry = new UserDataEntry();
        entry.setKey(key);
        entry.setValue(value);
        return entry;
    }
}
