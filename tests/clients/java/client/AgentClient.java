import agent.AllocateDnisRequest;
import agent.CreatePhoneRequest;
import agent.FreeDnisAllocationRequest;
import agent.GetDnisAllocationRequest;
import agent.AgentPort;
import agent.AgentPortService;
import java.net.URL;
import javax.xml.ws.WebServiceFeature;

/** The port of agent.wsdl, called as a program calls it that was generated from it. */
final class AgentClient extends Client {
    private final AgentPort port;

    private AgentClient(AgentPort port) {
        super("agent", AgentPort.class, port);
        this.port = port;
    }

    static AgentClient of(URL wsdl, WebServiceFeature... features) {
        return new AgentClient(new AgentPortService(wsdl).getAgentPortSoap11(features));
    }

    @Override
    String create(String phone, String dnId, String group) {
        CreatePhoneRequest request = new CreatePhoneRequest();
        request.setPhoneNumber(phone);
        request.setDnId(dnId);
        request.setGroupName(group);
        request.setEnabled(true);
        return port.createPhone(request).getResult();
    }

    @Override
    String allocate(String uniqueId, String group) {
        AllocateDnisRequest request = new AllocateDnisRequest();
        request.setUniqueId(uniqueId);
        request.setGroup(group);
        return port.allocateDnis(request).getResult();
    }

    @Override
    String get(String phone) {
        GetDnisAllocationRequest request = new GetDnisAllocationRequest();
        request.setPhone(phone);
        return port.getDnisAllocation(request).getResult();
    }

    @Override
    String free(String phone) {
        FreeDnisAllocationRequest request = new FreeDnisAllocationRequest();
        request.setPhone(phone);
        return port.freeDnisAllocation(request).getResult();
    }
}
