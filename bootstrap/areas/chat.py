"""Build the services of chats: conversations, answers, prompts, files and links."""

from __future__ import annotations

from dataclasses import dataclass

from bootstrap.areas.inference import InferenceServices
from bootstrap.foundation import Foundation
from core.access.groups import Groups
from core.chat.context.assembly import Assembly
from core.chat.context.instructions import InstructionsService
from core.chat.context.service import ChatContext
from core.chat.context.summaries.background import BackgroundSummaries
from core.chat.context.summaries.summaries import SummaryWriter
from core.chat.conversations import Conversations
from core.chat.exports.exports import ChatExports
from core.chat.flags import ConversationFlags
from core.chat.folders import Folders
from core.chat.follow_ups.service import FollowUps
from core.chat.imports.service import ChatImports
from core.chat.lifecycle.kept_chats import KeptChats
from core.chat.memory.proposals import MemoryProposals
from core.chat.memory.recall import Recall
from core.chat.memory.records import MemoryMode
from core.chat.memory.service import Memories
from core.chat.temporary import TemporaryChats
from core.chat.titling.written_titles import TitleWriter
from core.chat.tools.chat_tools import ChatTools
from core.chat.turns import Turns
from core.documents.collections import Collections
from core.documents.documents import Documents
from core.documents.finding import Finder
from core.documents.meaning import Meaning
from core.documents.reading import DocumentReading
from core.knowledge.file_texts import FileTexts
from core.knowledge.files import MB, Files
from core.knowledge.tables.queries import TableQueries
from core.programs.files import ProgramFiles
from core.prompts.library import PromptLibrary
from core.search.search import Search
from core.sharing.shares import Shares
from data.documents.encoding_detector import CharsetDetector
from data.documents.markdown_html import to_html
from data.documents.reader import ProcessDocumentReader
from data.images.reader import ProcessImageReader
from data.passages.index import NumpyPassageIndex
from data.table_files.reader import ProcessTableReader


@dataclass(frozen=True, kw_only=True)
class ChatServices:
    conversations: Conversations
    conversation_flags: ConversationFlags
    instructions: InstructionsService
    context: ChatContext
    memories: Memories
    prompts: PromptLibrary
    exports: ChatExports
    chat_imports: ChatImports
    shares: Shares
    folders: Folders
    turns: Turns
    follow_ups: FollowUps
    temporary: TemporaryChats
    kept_chats: KeptChats
    chat_tools: ChatTools
    files: Files
    table_queries: TableQueries
    collections: Collections
    documents: Documents
    finder: Finder


def build_chat(
    base: Foundation, inference: InferenceServices, groups: Groups, program_files: ProgramFiles, image_reader: ProcessImageReader,
    search: Search,
) -> ChatServices:  # fmt: skip
    tables = ProcessTableReader()
    settings, unit_of_work, clock, jobs, gateway = base.settings, base.unit_of_work, base.clock, base.jobs, inference.gateway
    most_chars, most_file_bytes = settings.max_question_chars, settings.max_file_mb * MB
    reader, detector, index = ProcessDocumentReader(), CharsetDetector(), NumpyPassageIndex()
    queries = TableQueries(unit_of_work, tables)
    chat_tools = ChatTools(unit_of_work, gateway, inference.plugins, clock, search, queries)
    temporary = TemporaryChats(unit_of_work, gateway, clock, most_chars, on=settings.temporary_chats, tools=chat_tools)

    def answers_running() -> int:
        return turns.count() + temporary.count()

    writer = SummaryWriter(unit_of_work, clock)
    remembers = MemoryMode(settings.memory)
    recall = Recall(unit_of_work, remembers, settings.memory_tokens)
    meaning = Meaning(unit_of_work, gateway, index, jobs)
    finder = Finder(unit_of_work, index, index, meaning)
    assembly = Assembly(unit_of_work, gateway, writer, recall, finder)
    summaries = BackgroundSummaries(unit_of_work, gateway, assembly, writer, jobs, answers_running)
    proposals = MemoryProposals(unit_of_work, gateway, jobs, clock, remembers, answers_running)
    turns = Turns(
        unit_of_work,
        gateway,
        clock,
        most_chars,
        most_file_bytes,
        base.disk,
        jobs if settings.model_titles else None,
        base.leadership,
        shared=not settings.embedded,
        assembly=assembly,
        summaries=summaries,
        memories=proposals,
        tools=chat_tools,
    )
    services = ChatServices(
        conversations=Conversations(unit_of_work, base.index, clock),
        conversation_flags=ConversationFlags(unit_of_work, clock),
        instructions=InstructionsService(unit_of_work, groups, inference.privacy, clock),
        context=ChatContext(unit_of_work, gateway, clock, recall, chat_tools),
        memories=Memories(unit_of_work, inference.privacy, clock, remembers),
        prompts=PromptLibrary(unit_of_work, inference.privacy, clock),
        exports=ChatExports(unit_of_work, clock, to_html, inference.plugins, inference.privacy),
        chat_imports=ChatImports(unit_of_work, clock, jobs, program_files),
        shares=Shares(unit_of_work, clock, inference.privacy),
        folders=Folders(unit_of_work, clock),
        turns=turns,
        follow_ups=FollowUps(unit_of_work, clock, turns, most_chars),
        temporary=temporary,
        kept_chats=KeptChats(unit_of_work, temporary, clock),
        chat_tools=chat_tools,
        files=Files(
            unit_of_work, clock, reader, most_file_bytes, base.disk, detector, image_reader, inference.plugins, tables
        ),
        table_queries=queries,
        collections=Collections(unit_of_work, clock),
        documents=Documents(unit_of_work, jobs, clock, most_file_bytes, base.disk),
        finder=finder,
    )
    reading = DocumentReading(unit_of_work, FileTexts(reader, detector, inference.plugins, tables), index, clock)
    base.run_jobs_of(services.chat_imports, TitleWriter(unit_of_work, gateway, answers_running), summaries, proposals, reading, meaning)
    return services
